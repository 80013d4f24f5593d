-- When an exam's report was taken by the hospital's archive; NULL: not yet, or nobody asked.
ALTER TABLE exam ADD COLUMN sent INTEGER;
