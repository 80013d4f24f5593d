-- When an exam's report was taken by the hospital's archive; NULL: not yet; 0: it is not to be sent.
ALTER TABLE exam ADD COLUMN sent INTEGER;
