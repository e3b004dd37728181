DROP TABLE looks;
DROP TABLE grades;
