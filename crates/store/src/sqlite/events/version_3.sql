-- Version 3.
-- What whoever settles keeps beside the log and changes as it goes on, such as commands to clouds. Lists, names and bytes
-- are its author's.
CREATE TABLE kept (
    list INTEGER NOT NULL,
    name BLOB NOT NULL,
    open INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (list, name)
) STRICT, WITHOUT ROWID;

-- Few are open, of however many there were.
CREATE INDEX kept_open ON kept (list, name) WHERE open = 1;
