CREATE TABLE `user` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL DEFAULT '' COMMENT 'display name',
  `gender` tinyint unsigned NOT NULL DEFAULT 0 COMMENT '0 unknown, 1 male, 2 female',
  `mobile` varchar(32) NOT NULL COMMENT 'login name',
  `password` varchar(255) NOT NULL COMMENT 'argon2 hash, never the password itself',
  `create_time` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `update_time` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uniq_mobile` (`mobile`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='accounts';
