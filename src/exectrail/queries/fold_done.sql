-- A fold that began then is done.
INSERT INTO folds (began) SELECT {began:DateTime64(6, 'UTC')}
