DROP TABLE kept_tools;
