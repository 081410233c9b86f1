CREATE TABLE `message` (
  `room` varchar(64) COLLATE utf8mb4_bin NOT NULL,
  `number` bigint unsigned NOT NULL COMMENT 'its place in the room, from 1, without gaps',
  `user_id` bigint unsigned NOT NULL COMMENT 'the user of user-rpc',
  `name` varchar(255) NOT NULL COMMENT 'what the user was called then',
  `text` varchar(2000) NOT NULL,
  `create_time` timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`room`, `number`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='what was said';

-- The number of the last message in a room; 0 where there is none.
-- name: last :one
SELECT COALESCE(MAX(number), 0) FROM message WHERE room = :room;
