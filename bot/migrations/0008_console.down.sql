DROP TABLE families;
DROP TABLE concern_decisions;
DROP TABLE guide_notes;
DROP TABLE guide_desks;
