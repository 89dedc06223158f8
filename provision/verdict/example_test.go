package verdict_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/raiz-dns/raiz/provision/verdict"
)

// What is said is a code with arguments; words are made of it elsewhere.
func ExampleMessage() {
	m := verdict.New("os.clock.off", verdict.Duration("offset", 3*time.Second))
	fmt.Println(m)
	data, err := json.Marshal(m)
	fmt.Println(string(data), err)
	// Output:
	// os.clock.off offset=3s
	// {"code":"os.clock.off","args":{"offset":3}} <nil>
}
