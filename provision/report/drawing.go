package report

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// drawing is the copy at its host, as shapes with places. Its size is in the
// units of the shapes; it is drawn about as wide as a phone is, so that its
// letters can be read there.
type drawing struct {
	Title, Desc   string
	Width, Height int
	Boxes         []box
	Lines         []line
	Marks         []mark
	Texts         []text
}

type box struct {
	X, Y, W, H int
	Class      string // of the style
}

type line struct {
	X1, Y1, X2, Y2 int
	Status         verify.Status
}

type mark struct {
	X, Y   int
	Status verify.Status
}

// text is cut to what there is room for; Whole is all of it, where that is more.
type text struct {
	X, Y               int
	Class, Text, Whole string
	Middle             bool // X is the middle of it
}

// Columns of the drawing, from left to right: routers and BMC, the sessions,
// the server.
const (
	drawingWidth = 400
	leftX        = 12
	leftW        = 132
	rightX       = 250
	rightW       = 138
	rowH         = 16 // of a line of text
	sessionH     = 38
	maxDrawn     = 12 // lines of one part
)

// sketch is a drawing in the making.
type sketch struct {
	drawing
	speaker
	site    *site.Site
	results []verify.Result
}

// draw makes a drawing of a site. What a part is about is known by the IDs of the
// checks, so that a part that nobody has looked at is not green.
func (s speaker) draw(r Report) drawing {
	k := &sketch{speaker: s, site: r.Site, results: r.Verify}
	k.Width = drawingWidth
	const top = 38
	routers := k.routers(top)
	services := k.services(top)
	bottom := max(routers, services) + 12
	end := k.management(bottom)
	k.Boxes = append([]box{{4, 12, drawingWidth - 8, end - 2, "host"}, {rightX, top, rightW, end - top - 2, "server"}}, k.Boxes...)
	k.put(leftX, 28, "place", place(r.Site), 60)
	k.operator(bottom, end, r.Looked)
	k.Title = s.say(verdict.New("page.drawing.title", verdict.Word("site", r.Site.Name)))
	k.Desc = s.say(verdict.New("page.drawing.says", verdict.Word("host", r.Site.Host.Name), verdict.Inner("sessions", sessions(k.sessionCount())), verdict.Word("server", r.Site.Server.Hostname)))
	return k.drawing
}

func (k *sketch) sessionCount() int {
	n := 0
	for _, x := range k.site.BGP.Neighbors {
		n += len(x.Addresses)
	}
	return n
}

// put writes a text that is at most so many letters.
func (k *sketch) put(x, y int, class, s string, most int) {
	whole := printable.Line(s)
	if whole == "" {
		return
	}
	t := text{X: x, Y: y, Class: class, Text: printable.Short(whole, most)}
	if t.Text != whole {
		t.Whole = whole
	}
	k.Texts = append(k.Texts, t)
}

// centre puts a text around a place.
func (k *sketch) centre(x, y int, class, s string, most int) {
	before := len(k.Texts)
	k.put(x, y, class, s, most)
	for i := range k.Texts[before:] {
		k.Texts[before+i].Middle = true
	}
}

// worst is the verdict on what the IDs are about.
func (k *sketch) worst(about func(id string) bool) verify.Status { return worst(k.results, about) }

func (k *sketch) is(ids ...string) verify.Status {
	return k.worst(func(id string) bool { return slices.Contains(ids, id) })
}

func (k *sketch) beginning(prefixes ...string) verify.Status {
	return k.worst(func(id string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) })
	})
}

// routers draws the host's side, and the sessions to the server. It returns
// where it ends.
func (k *sketch) routers(y int) int {
	seen := k.beginning("router.")
	for _, n := range k.site.BGP.Neighbors {
		h := max(2, len(n.Addresses)) * sessionH
		k.Boxes = append(k.Boxes, box{leftX, y, leftW, h - 8, "router"})
		k.Marks = append(k.Marks, mark{leftX + 13, y + 14, seen})
		k.put(leftX+26, y+18, "name", n.Name, 11)
		k.put(leftX+8, y+35, "plain", autonomous(n.ASN), 18)
		k.put(leftX+8, y+50, "plain", k.system(n.Name), 18)
		for i, a := range n.Addresses {
			k.session(a, y+i*sessionH+17)
		}
		y += h
	}
	return y
}

// system is what a router of the host runs, as far as the site says.
func (k *sketch) system(name string) string {
	for _, r := range k.site.Host.Routers {
		if r.Name == name {
			return strings.TrimSpace(r.OS + " " + r.Version)
		}
	}
	return ""
}

// session draws a line to the server with its family above, and the address
// of the neighbor below.
func (k *sketch) session(a netip.Addr, y int) {
	status := k.is("bgp.session."+a.String(), "bgp.export."+a.String(), "bgp.import."+a.String(), "bgp.silent."+a.String())
	const from, to = leftX + leftW, rightX
	k.Lines = append(k.Lines, line{from, y, to, y, status})
	k.Marks = append(k.Marks, mark{(from + to) / 2, y, status})
	family := "IPv4"
	if a.Is6() {
		family = "IPv6"
	}
	k.put(from+8, y-6, "plain", family, 4)
	k.centre((from+to)/2, y+17, "address", a.String(), 18)
}

// services draws the upper part of the server: the blocks that leave it, and the
// addresses that answer.
func (k *sketch) services(y int) int {
	k.Marks = append(k.Marks, mark{rightX + 13, y + 14, k.beginning("os.", "unit.", "guard.", "dns.zone.", "dns.signatures.", "dns.serial.", "bgp.neighbors")})
	k.put(rightX+26, y+18, "name", k.site.Server.Hostname, 12)
	k.put(rightX+8, y+35, "plain", autonomous(k.site.BGP.ASN), 18)
	y += 54
	service := k.site.Server.Service
	if len(service.Addresses) > 0 {
		y = k.part(y, verdict.New("page.drawing.service"), k.link(service), nil)
	}
	y = k.part(y, verdict.New("page.drawing.blocks"), texts(k.site.Blocks()), func(i int) verify.Status {
		family := "ipv4"
		if k.site.Blocks()[i].Addr().Is6() {
			family = "ipv6"
		}
		return k.is("bgp.announced." + family)
	})
	return k.part(y, verdict.New("page.drawing.answers"), texts(k.site.ServiceAddresses()), func(i int) verify.Status {
		a := k.site.ServiceAddresses()[i].String()
		return k.beginning("dns."+a+".", "dns.content."+a+".", "dns.offers."+a, "os.reply."+a, "outside."+a+".", "outside.content."+a)
	})
}

// part is a list of lines with a heading. Each has a mark of its own where
// status is given.
func (k *sketch) part(y int, head verdict.Message, lines []string, status func(int) verify.Status) int {
	k.put(rightX+8, y+4, "head", k.say(head), 24)
	y += rowH + 2
	for i, l := range lines {
		if i == maxDrawn {
			k.put(rightX+8, y+3, "plain", k.say(more(len(lines)-maxDrawn)), 20)
			return y + rowH + 8
		}
		x, most := rightX+8, 21
		if status != nil {
			k.Marks = append(k.Marks, mark{rightX + 13, y, status(i)})
			x, most = rightX+24, 19
		}
		k.put(x, y+4, "address", l, most)
		y += rowH
	}
	return y + 8
}

// link are the addresses of an interface, and how it is found.
func (k *sketch) link(i site.Interface) []string {
	return append([]string{i.Device()}, texts(i.Addresses)...)
}

// management draws the lower part of the server, and the BMC beside it. It
// returns where both end.
func (k *sketch) management(y int) int {
	m := k.site.Server.Management
	k.Boxes = append(k.Boxes, box{rightX, y, rightW, 1, "rule"})
	end := k.part(y+14, verdict.New("page.drawing.management"), k.link(m), nil)
	b := k.site.BMC
	if b == nil {
		return end
	}
	h := 44 + rowH*len(b.Addresses)
	k.Boxes = append(k.Boxes, box{leftX, y, leftW, h, "bmc"})
	k.Marks = append(k.Marks, mark{leftX + 13, y + 14, k.beginning("bmc.")})
	k.put(leftX+26, y+18, "name", k.say(verdict.New("page.drawing.bmc")), 14)
	k.put(leftX+8, y+35, "plain", b.Hostname, 19)
	for i, a := range b.Addresses {
		k.put(leftX+8, y+50+i*rowH, "address", a.String(), 20)
	}
	return max(end, y+h+6)
}

// operator draws who has looked, and both ways in.
func (k *sketch) operator(from, end int, l *Looked) {
	y := end + 46
	k.Boxes = append(k.Boxes, box{leftX, y, drawingWidth - 2*leftX, 30, "operator"})
	who := k.say(verdict.New("page.drawing.operator"))
	if l != nil && l.By != "" {
		who = l.By
	}
	k.centre(drawingWidth/2, y+19, "plain", who, 46)
	if b := k.site.BMC; b != nil {
		k.way(leftX+leftW/2, from+44+rowH*len(b.Addresses), y, "HTTPS", k.is("bmc.login"))
	}
	k.way(rightX+rightW/2, end-2, y, "SSH", k.is("ssh.login"))
	k.Height = y + 34
}

func (k *sketch) way(x, from, to int, name string, status verify.Status) {
	k.Lines = append(k.Lines, line{x, from, x, to, status})
	k.Marks = append(k.Marks, mark{x, to - 18, status})
	k.put(x+12, to-14, "plain", name, 8)
}

// texts are what is listed, each as it is written.
func texts[T interface{ String() string }](all []T) []string {
	var out []string
	for _, x := range all {
		out = append(out, x.String())
	}
	return out
}
