package watch

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/printable"
)

// Where a guard is told to drain. The first lasts until it is taken back. The
// others end with the boot: one stands for it on a disk that takes nothing more,
// and one is of an apply.
const (
	DrainFile   = "/etc/raiz/drained"
	PassingFile = "/run/raiz/drained"
	HoldFile    = "/run/raiz/hold"

	// MaxDrain is how large such a file may be.
	MaxDrain = 4096
)

// Drain is what a person, or an apply, wants of the blocks: that they are not
// announced, whatever is right.
type Drain struct {
	Wanted bool      `json:"-"`
	Now    bool      `json:"now,omitempty"` // at once, and not after routers had time to leave
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at,omitzero"`
	// Until is the end of what an apply wants, in seconds since the boot: one
	// that died does not keep a copy off the net. Zero is no end.
	Until float64 `json:"until,omitempty"`
	// Unseen is why nobody can tell whether it is wanted, so that it is.
	Unseen string `json:"unseen,omitempty"`
	// Passing is why it ends with the boot, where it was to last.
	Passing string `json:"passing,omitempty"`
}

// ReadDrain reads a file that says so. That it is there is enough: one that is
// damaged drains as well.
func ReadDrain(text []byte) Drain {
	d := Drain{}
	if len(text) > MaxDrain || json.Unmarshal(text, &d) != nil {
		d = Drain{By: "somebody who is not known: what they wrote cannot be read"}
	}
	d.Wanted = true
	return d
}

// Text is what the file holds.
func (d Drain) Text() ([]byte, error) {
	text, err := json.Marshal(d)
	return append(text, '\n'), err
}

// Who is who wants it, and since when, for people.
func (d Drain) Who() string {
	if d.Unseen != "" {
		return "for want of a look at what is wanted: " + Short(d.Unseen)
	}
	var words []string
	if d.By != "" {
		words = append(words, "by "+Short(d.By))
	}
	if !d.At.IsZero() {
		words = append(words, "at "+d.At.UTC().Format(time.RFC3339))
	}
	if len(words) == 0 {
		words = append(words, "by somebody")
	}
	if d.Passing != "" {
		words = append(words, "until the next boot")
	}
	return strings.Join(words, " ")
}

// maxWords is how much is repeated of what others have written.
const maxWords = 200

// Short is a short line of what others have written.
func Short(s string) string { return printable.Short(s, maxWords) }
