-- A halted chain goes on. The habits are those of 0001.

-- A person has looked: blocks of this height and above may be taken back once, final or not. Void when that is done.
ALTER TABLE chain_cursors ADD COLUMN take_back_from BIGINT;
