-- A fold that began then has written down what was open; or is done.
INSERT INTO folds (began, done) SELECT {began:DateTime64(6, 'UTC')}, {done:UInt8}
