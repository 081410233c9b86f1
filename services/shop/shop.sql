CREATE TABLE `product` (
  `sku` varchar(32) COLLATE utf8mb4_bin NOT NULL COMMENT 'what it is known by',
  `name` varchar(255) NOT NULL,
  `category` varchar(32) COLLATE utf8mb4_bin NOT NULL,
  `price` decimal(12,2) NOT NULL COMMENT 'of one piece, in EUR',
  `weight` double NOT NULL DEFAULT 0 COMMENT 'kilograms',
  `stock` int unsigned NOT NULL DEFAULT 0 COMMENT 'pieces',
  `update_time` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`sku`),
  KEY `idx_category` (`category`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='what the shop sells';

CREATE TABLE `purchase` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `customer_id` bigint unsigned NOT NULL COMMENT 'the user of user-api',
  `idempotency_key` varchar(64) COLLATE utf8mb4_bin DEFAULT NULL COMMENT 'chosen by the client: there is one order for it',
  `state` enum('open', 'shipped', 'delivered', 'cancelled') NOT NULL DEFAULT 'open',
  `total` decimal(12,2) NOT NULL COMMENT 'EUR',
  `delivery` json NOT NULL COMMENT 'Delivery of shop.api',
  `channel` varchar(32) NOT NULL,
  `create_time` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `update_time` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uniq_idempotency` (`customer_id`, `idempotency_key`),
  KEY `idx_customer` (`customer_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='orders; `order` is a word of SQL';

CREATE TABLE `purchase_line` (
  `purchase_id` bigint unsigned NOT NULL,
  `line` int unsigned NOT NULL COMMENT 'from 1',
  `sku` varchar(32) COLLATE utf8mb4_bin NOT NULL,
  `quantity` int unsigned NOT NULL,
  `warehouse` varchar(32) NOT NULL,
  PRIMARY KEY (`purchase_id`, `line`),
  CONSTRAINT `fk_line_purchase` FOREIGN KEY (`purchase_id`) REFERENCES `purchase` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='what was ordered';

-- Takes pieces from the stock, if there are as many: of two orders for the last one, one gets it.
-- name: take :exec
UPDATE product SET stock = stock - :quantity WHERE sku = :sku AND stock >= :quantity;

-- Puts pieces back into the stock.
-- name: put_back :exec
UPDATE product SET stock = stock + :quantity WHERE sku = :sku;

-- A page of the products of a category of which there are at least so many pieces, by name. The pages of shop.api have
-- numbers, so they begin behind a number of rows.
-- name: by_name :many
SELECT * FROM product WHERE category = :category AND stock >= :least ORDER BY name, sku LIMIT :size OFFSET :skipped;

-- The same, the cheapest first.
-- name: by_price :many
SELECT * FROM product WHERE category = :category AND stock >= :least ORDER BY price, name, sku LIMIT :size OFFSET :skipped;

-- The same, the dearest first.
-- name: by_price_descending :many
SELECT * FROM product WHERE category = :category AND stock >= :least ORDER BY price DESC, name, sku LIMIT :size OFFSET :skipped;

-- A page of the orders of a customer, the latest first.
-- name: latest :many
SELECT * FROM purchase WHERE customer_id = :customer_id ORDER BY id DESC LIMIT :size OFFSET :skipped;

-- Gives an order another state, if it is in the one before: of two people who do so at once, one does.
-- name: move :exec
UPDATE purchase SET state = :state WHERE id = :id AND state = :before;

-- Deletes the lines of an order.
-- name: delete_lines :exec
DELETE FROM purchase_line WHERE purchase_id = :purchase_id;
