package verify

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxSeconds is what a time.Duration bears, about 292 years.
const maxSeconds = 9e9

// readClock reads `chronyc -c tracking`: reference, its name, stratum, time,
// offset of the clock in seconds, …, leap status as the last field.
func readClock(e *ServerEvidence, lines []string) {
	e.ClockErr = fmt.Errorf("chronyc says %.200q", strings.Join(lines, " "))
	for _, l := range lines {
		f := strings.Split(l, ",")
		if len(f) < 14 {
			continue
		}
		stratum, err := strconv.Atoi(f[2])
		seconds, err2 := strconv.ParseFloat(f[4], 64)
		if errors.Join(err, err2) != nil || math.IsNaN(seconds) || math.Abs(seconds) > maxSeconds {
			continue
		}
		e.ClockErr, e.Stratum = nil, stratum
		e.Offset = time.Duration(seconds * float64(time.Second))
		e.Synced = f[13] != "Not synchronised" && stratum > 0 && stratum < 16
	}
}
