package state

// Runtime is how it is seen that what a file says is in effect, and not only in
// the file. Parameters of the kernel are named; of all else a program shows what
// runs.
type Runtime struct {
	// Sysctls are parameters that have to have these values.
	Sysctls []Sysctl `json:"sysctls,omitempty"`
	// Shows prints what runs; it changes nothing.
	Shows []string `json:"shows,omitempty"`
	// Settings are words at the beginning of lines of what is shown, and all that
	// may follow them.
	Settings map[string]string `json:"settings,omitempty"`
	// Loads puts a file, for which "{}" stands, in effect whole. What it makes in
	// a network namespace where nothing else is has to run; without it Settings
	// say what has to.
	Loads []string `json:"loads,omitempty"`
	// Clears is put before what was shown, so that Loads brings back nothing else.
	Clears string `json:"clears,omitempty"`
}

// Sysctl is a parameter of the kernel (sysctl.d(5)).
type Sysctl struct {
	// Name has its parts parted by slashes. A part "*" is every one there is, but
	// those that have a Sysctl of their own.
	Name  string `json:"name"`
	Value string `json:"value"`
	// Optional ones need not be there: they belong to the machine, and not to a
	// container.
	Optional bool `json:"optional,omitempty"`
}

// Loaded reports whether a program can put back what ran.
func (r *Runtime) Loaded() bool { return r != nil && len(r.Loads) > 0 }
