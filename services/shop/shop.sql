CREATE TABLE `product` (
  `sku` varchar(32) NOT NULL COMMENT 'what it is known by',
  `name` varchar(255) NOT NULL,
  `category` varchar(32) NOT NULL,
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
  `idempotency_key` varchar(64) DEFAULT NULL COMMENT 'chosen by the client: there is one order for it',
  `state` varchar(16) NOT NULL DEFAULT 'open' COMMENT 'open, shipped, delivered or cancelled',
  `total` decimal(12,2) NOT NULL COMMENT 'EUR',
  `delivery` json NOT NULL COMMENT 'Delivery of the contract',
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
  `sku` varchar(32) NOT NULL,
  `quantity` int unsigned NOT NULL,
  `warehouse` varchar(32) NOT NULL,
  PRIMARY KEY (`purchase_id`, `line`),
  KEY `idx_purchase` (`purchase_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='what was ordered';
