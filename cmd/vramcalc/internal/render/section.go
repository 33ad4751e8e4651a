package render

// Section is a part of a document for people.
type Section struct {
	Title string // may be empty
	Lines []Line // prose before the grids
	Grids []Grid
	Plot  *Plot // after the grids
	Wide  bool  // left out of the plain table
}

// Line is a line of prose; it wraps where it is too long. Indent 0 is a
// paragraph, more makes it an item under the line above.
type Line struct {
	Spans  []Span
	Indent int
}

// Span is a run of text in one tone, or a bar.
type Span struct {
	Text string // a cell's text may hold several lines
	Tone Tone
	Bar  *Bar // drawn instead of Text, over the width that is left
}

// Bar is a horizontal bar. Its fraction is clipped to 0…1.
type Bar struct {
	Fraction float64
	Track    bool // the rest of the width is drawn too
}

// Grid is a table of spans.
type Grid struct {
	Columns []Column
	Rows    [][]Span
	NoHead  bool // column titles are not shown in text
}

// Column describes a column of a grid.
type Column struct {
	Title string
	Right bool // numbers
	Wide  bool // left out of the plain table
	Wrap  bool // takes the width that is left, over several lines if need be
	Drop  int  // where the line is too short the highest goes first; 0 stays
}

// Tone is what a piece of text means. Colour only ever repeats what the words
// say.
type Tone int

// Tones: plain text, a heading, an aside, good, doubtful and bad news.
const (
	Plain Tone = iota
	Strong
	Faint
	Good
	Doubt
	Bad
)

func text(tone Tone, s string) Span { return Span{Text: s, Tone: tone} }

func plain(s string) Span { return Span{Text: s} }

func line(spans ...Span) Line { return Line{Spans: spans} }

func item(indent int, spans ...Span) Line { return Line{Spans: spans, Indent: indent} }
