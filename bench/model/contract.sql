CREATE TABLE `account` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(64) NOT NULL,
  `mobile` varchar(32) NOT NULL,
  `gender` tinyint unsigned NOT NULL DEFAULT 0,
  `balance` decimal(12,2) NOT NULL,
  `active` bool NOT NULL DEFAULT TRUE,
  `create_time` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `update_time` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uniq_mobile` (`mobile`)
);
