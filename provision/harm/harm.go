// Package harm is what can go wrong with a copy, as somebody at a shell would do
// it: a harm for each thing that a site wants, and a table of others. Only tests
// use it; it knows nothing of how raiz looks, so that what they do not see shows.
package harm

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

// Class is what a harm is done to.
type Class string

// The classes.
const (
	File    Class = "file"    // what raiz has written on the server
	System  Class = "system"  // what runs of it, and what others do there
	Daemon  Class = "daemon"  // the name server, the routing daemon, the clock, the guard
	Zone    Class = "zone"    // what is served
	Route   Class = "route"   // what is announced, and the sessions
	Host    Class = "host"    // the host's router, and the network between
	BMC     Class = "bmc"     // the management controller
	Primary Class = "primary" // where zones come from
)

// Place is where a harm is done.
type Place string

// The places.
const (
	Server  Place = "server"  // Do and Undo are for its shell
	Router  Place = "router"  // for the router's
	Redfish Place = "redfish" // they are requests: a method, a path, and a body, with spaces between
)

// Harm is one thing that goes wrong.
type Harm struct {
	Name  string `json:"name"`
	Class Class  `json:"class"`
	Place Place  `json:"place"`
	Do    string `json:"do"`
	// Undo puts it right; "" where an apply does.
	Undo string `json:"undo,omitempty"`
	// Sees is a pattern of the checks of which one at least has to say no.
	Sees string `json:"sees"`
	// Also is a pattern of others that say no because of it.
	Also string `json:"also,omitempty"`
	// Missed is why nobody sees it, where that is known.
	Missed string `json:"missed,omitempty"`
}

// Table reads harms of a file, with the names of a site in braces filled in.
func Table(files fs.FS, name string, values map[string]string) ([]Harm, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var out []Harm
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var pairs []string
	for k, v := range values {
		pairs = append(pairs, "{"+k+"}", v)
	}
	fill := strings.NewReplacer(pairs...)
	for i, h := range out {
		if h.Place == "" {
			h.Place = Server
		}
		h.Do, h.Undo, h.Sees = fill.Replace(h.Do), fill.Replace(h.Undo), fill.Replace(h.Sees)
		if h.Name == "" || h.Do == "" || h.Class == "" || (h.Sees == "") == (h.Missed == "") {
			return nil, fmt.Errorf("%s: %q is not a whole harm: either it is seen or there is a reason", name, h.Name)
		}
		out[i] = h
	}
	return out, nil
}
