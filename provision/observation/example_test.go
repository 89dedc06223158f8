package observation_test

import (
	"fmt"
	"regexp"

	"github.com/raiz-dns/raiz/provision/observation"
)

// What a daemon prints becomes records, by patterns that its pack declares.
func ExampleObservation_Read() {
	o := observation.Observation{
		Command: []string{"toyctl", "sessions"},
		Alive:   regexp.MustCompile(`^toy [0-9]`),
		Lines: observation.Lines{
			Begin: []*regexp.Regexp{regexp.MustCompile(`^(?P<neighbor>\S+) AS(?P<as>\d+)`)},
			More:  []*regexp.Regexp{regexp.MustCompile(`^  state (?P<state>\w+)`)},
		},
	}
	records, err := o.Read([]string{"toy 1.0", "198.51.100.0 AS64500", "  state established"})
	fmt.Println(records[0].Last("neighbor"), records[0].Last("state"), err)

	_, err = o.Read([]string{"cannot connect to toy"})
	fmt.Println(err)
	// Output:
	// 198.51.100.0 established <nil>
	// no answer that counts from toyctl: it says "cannot connect to toy"
}
