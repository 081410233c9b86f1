-- As SQLite writes it.

CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL COLLATE NOCASE,
  text TEXT NOT NULL DEFAULT '',
  score REAL,
  rate DECIMAL(8, 3),
  changed DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX note_changed ON note (changed);
