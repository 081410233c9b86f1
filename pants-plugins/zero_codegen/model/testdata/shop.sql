-- Everything that is served, once.
CREATE TABLE `order` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `no` char(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID, "as printed"',
  `user_id` bigint unsigned NOT NULL,
  `state` tinyint NOT NULL DEFAULT -1 COMMENT '-1 new, 0 open; 100% of them start as new',
  `amount` decimal(12,2) unsigned NOT NULL DEFAULT '0.00',
  `discount` decimal(5,4),
  `is_paid` bool NOT NULL DEFAULT FALSE,
  `is_gift` boolean,
  `weight` double unsigned COMMENT 'kilograms',
  `note` text,
  `extra` json COMMENT 'what else the shop''s page said',
  `receipt` mediumblob,
  `digest` binary(4) NOT NULL, /* of the receipt */
  `class` varchar(20) DEFAULT 'it''s "plain"',
  `date` date NOT NULL DEFAULT '2020-02-29',
  `due` date,
  `paid_at` datetime(3) DEFAULT '2020-02-29 12:30:00.5',
  `created_at` timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  `updated_at` datetime NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP,
  `last_change_of_payment_conditions_by` mediumint unsigned zerofill,
  `last_change_of_payment_conditions_at` timestamp NULL,
  PRIMARY KEY (`id`) USING BTREE,
  UNIQUE KEY (`no`),
  KEY `idx_user_state` (`user_id`, `state` DESC) COMMENT 'the orders of a user',
  KEY `idx_note` (`note`(20)),
  INDEX (`amount`) # has no name
) ENGINE=InnoDB AUTO_INCREMENT=1000 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='Orders of the shop';

create table if not exists order_line (
  order_id bigint unsigned not null,
  line smallint,
  sku varchar(32) character set utf8mb4 collate utf8mb4_bin not null unique key,
  added datetime default now(),
  weight float,
  key (weight),
  primary key (order_id, line) -- an order's lines
);

CREATE TABLE day (day date PRIMARY KEY, rate decimal(6,3) NOT NULL);

CREATE UNIQUE INDEX uniq_rate ON day (rate) USING BTREE;
CREATE INDEX by_rate ON day (rate, day DESC);

CREATE TABLE ticket (id int AUTO_INCREMENT PRIMARY KEY)
;
-- One of everything else.
CREATE TABLE parcel (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  ticket_id int NOT NULL,
  kind enum('letter', 'small parcel', '2 m') NOT NULL DEFAULT 'letter',
  label varchar(40) COLLATE utf8mb4_bin NOT NULL,
  opens time(3) DEFAULT '08:30:00',
  is_urgent bit(1) NOT NULL DEFAULT b'0',
  season year,
  width decimal(6,2) NOT NULL,
  area decimal(14,4) GENERATED ALWAYS AS (width * width) STORED,
  status smallint NOT NULL DEFAULT 200,
  tags json NOT NULL,
  version int NOT NULL DEFAULT 1,
  deleted_at datetime(6) NULL,
  UNIQUE KEY uniq_label (label),
  UNIQUE KEY uniq_season (season, width),
  CONSTRAINT fk_ticket FOREIGN KEY (ticket_id) REFERENCES ticket (id),
  CONSTRAINT is_small CHECK (width < 1000 AND width > 0)
);

-- The parcels of a season, the widest first.
-- name: widest :many
SELECT * FROM parcel WHERE season = :season ORDER BY width DESC, id LIMIT :count;
