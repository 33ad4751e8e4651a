// Package render turns what vramcalc found out into text, JSON, YAML, CSV,
// Markdown and HTML.
//
// A [Document] describes itself three ways, and every format reads one of
// them: Data for machines (JSON, YAML), Rows for spreadsheets (CSV), Sections
// for people (table, wide, Markdown, HTML). Numbers stay unrounded for
// machines and spreadsheets; sections hold finished words. Nothing here
// computes memory or speed.
package render
