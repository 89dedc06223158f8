package secret_test

import (
	"fmt"

	"github.com/raiz-dns/raiz/provision/secret"
)

// However it is printed, a secret says only that it is one.
func ExampleValue() {
	v := secret.New(`env("GRU1_BGP_PASSWORD")`, "correct horse")
	fmt.Println(v)
	fmt.Printf("%v %+v %#v %q\n", v, v, v, v)
	fmt.Println(v.Source(), len(v.Reveal()))
	// Output:
	// (secret)
	// (secret) (secret) (secret) (secret)
	// env("GRU1_BGP_PASSWORD") 13
}
