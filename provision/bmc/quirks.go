package bmc

// Quirk is one way in which a kind of controller departs from the schemas.
type Quirk struct {
	Name string // short and stable, for `raiz bmc doctor`
	Seen string // where, and what it looks like
}

// The product lines.
const (
	lineOpenBMC    = "openbmc"
	lineIDRAC      = "idrac"
	lineILO        = "ilo"
	lineXCC        = "xcc"
	lineSupermicro = "supermicro"
	lineAMI        = "ami"
	lineGeneric    = "generic"
)

// quirk is a row of the table: for whom, what, and what to do about it.
type quirk struct {
	Quirk
	when func(facts) bool
	do   func(*traits)
}

func isLine(line string) func(facts) bool { return func(f facts) bool { return f.Line == line } }

// traitsFor starts from the schemas and applies every quirk that fits.
func traitsFor(f facts) (traits, []Quirk) {
	t := standard()
	var fired []Quirk
	for _, q := range quirks() {
		if q.when(f) {
			q.do(&t)
			fired = append(fired, q.Quirk)
		}
	}
	return t, fired
}

func quirks() []quirk { return nil }

// lineOf tells the product line by what only it has.
func lineOf(root, manager document) string {
	switch {
	case root.has("Oem", "Dell"), manager.has("Oem", "Dell"), manager.has("Links", "Oem", "Dell"), root.text("Vendor") == "Dell":
		return lineIDRAC
	case root.has("Oem", "Hpe"), manager.has("Oem", "Hpe"):
		return lineILO
	case root.text("Vendor") == "Lenovo", manager.has("Oem", "Lenovo"):
		return lineXCC
	// OpenBMC before Supermicro and AMI: both ship boards with it.
	case manager.has("Oem", "OpenBmc"), manager.text("Model") == "OpenBmc":
		return lineOpenBMC
	case root.has("Oem", "Supermicro"), manager.has("Oem", "Supermicro"):
		return lineSupermicro
	case root.has("Oem", "Ami"), root.text("Vendor") == "AMI":
		return lineAMI
	}
	return lineGeneric
}
