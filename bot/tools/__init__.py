"""The tools a parent keeps: contact map, plan, meeting notes, letters, checklists, reminders."""
