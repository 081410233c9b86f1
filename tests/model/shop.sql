-- What the suite of models works on.
CREATE TABLE customer (
  id bigint NOT NULL AUTO_INCREMENT,
  mobile varchar(64) COLLATE utf8mb4_bin NOT NULL,
  email varchar(200) COLLATE utf8mb4_bin DEFAULT NULL,
  name varchar(200) COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  age smallint NOT NULL DEFAULT 0,
  city varchar(100) COLLATE utf8mb4_bin DEFAULT NULL,
  credit decimal(12,2) NOT NULL DEFAULT 0.00,
  is_friend bool NOT NULL DEFAULT FALSE,
  joined datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  changed datetime(6) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id),
  UNIQUE KEY uniq_mobile (mobile),
  UNIQUE KEY uniq_email (email),
  KEY idx_city (city, age)
) ENGINE=InnoDB COMMENT='customers';

CREATE TABLE purchase (
  customer_id bigint NOT NULL,
  number int NOT NULL,
  code varchar(32) COLLATE utf8mb4_bin NOT NULL,
  branch int NOT NULL DEFAULT 1,
  state enum('new', 'paid', 'gone') NOT NULL DEFAULT 'new',
  amount decimal(12,2) NOT NULL,
  extra json DEFAULT NULL,
  PRIMARY KEY (customer_id, number),
  UNIQUE KEY uniq_code (branch, code),
  KEY idx_state (state),
  CONSTRAINT fk_customer FOREIGN KEY (customer_id) REFERENCES customer (id)
);

CREATE TABLE page (
  id varchar(64) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  slug varchar(64) COLLATE utf8mb4_bin NOT NULL,
  text longtext NOT NULL,
  version int NOT NULL DEFAULT 1,
  deleted_at datetime(6) NULL DEFAULT NULL,
  UNIQUE KEY uniq_slug (slug)
);

CREATE TABLE counter (
  name varchar(64) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  value int NOT NULL DEFAULT 0,
  version int NOT NULL DEFAULT 1
);

CREATE TABLE `group` (`order` int NOT NULL PRIMARY KEY, `select` varchar(20) COLLATE utf8mb4_bin NOT NULL, UNIQUE KEY (`select`));

-- The customers of a city, the oldest first.
-- name: of_city :many
SELECT * FROM customer WHERE city = :city ORDER BY age DESC, id;

-- name: age_of :one
SELECT age FROM customer WHERE mobile = :mobile;

-- name: set_city :exec
UPDATE customer SET city = :city WHERE id = :id;

-- name: names :stream
SELECT name FROM customer WHERE age >= :age ORDER BY id;

-- name: purchases_of :many
SELECT c.name, p.number, p.state FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.mobile = :mobile ORDER BY p.number;
