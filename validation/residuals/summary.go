package residuals

// Summary is all that there is to say about the rows: plain data for
// renderers.
type Summary struct {
	Result
	Bars    []Check     `json:"bars"`
	Tables  []Table     `json:"tables"`
	Bands   []Band      `json:"bands"`
	HeldOut []HeldOut   `json:"held_out"`
	Worst   []WorstRows `json:"worst"`
}

// WorstRows are the rows of one standing that are furthest off.
type WorstRows struct {
	Set      Set        `json:"set"`
	Standing Standing   `json:"standing"`
	Rows     []Residual `json:"rows"`
}

// Summarize says all about some rows, with the worst of each standing.
func Summarize(r Result, worst int) Summary {
	s := Summary{Result: r, Bars: Bars(r), Tables: Tables(r.Residuals), Bands: Bands(r.Residuals), HeldOut: Coverage(r.Residuals)}
	for _, set := range sets {
		for _, standing := range standings {
			rows := Worst(Pick(r.Residuals, func(x Residual) bool { return x.Set == set && x.Standing == standing }), worst)
			if len(rows) > 0 {
				s.Worst = append(s.Worst, WorstRows{set, standing, rows})
			}
		}
	}
	return s
}
