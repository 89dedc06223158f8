package report

import (
	"html/template"
	"io"

	"github.com/raiz-dns/raiz/provision/report/messages"
)

// HTML writes a verification as a page of its own, which fetches nothing and
// runs nothing: html/template escapes whatever stands in it, and the policy
// holds where it would not.
func HTML(w io.Writer, r Report, words messages.Table) error {
	return template.Must(template.New("page").Parse(pageHTML)).Execute(w, newPage(r, words))
}

const pageHTML = `<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Title}}</title>
<style>
body { font-family: sans-serif; }
td, th { text-align: left; vertical-align: top; padding: 0.2em 1em 0.2em 0; unicode-bidi: isolate; }
.pass { color: green; } .fail, .unknown { color: red; } .warn, .skipped, .other-instance { color: #960; }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{range .Notes}}<p>{{.}}</p>
{{end}}<table>
<tr>{{range .Columns}}<th>{{.}}</th>{{end}}</tr>
{{range .Rows}}<tr><td class="{{.Status}}">{{.Mark}}</td><td>{{.What}}<br><code>{{.ID}}</code></td><td>{{.Where}}</td><td>{{range $i, $s := .Seen}}{{if $i}}<br>{{end}}{{$s}}{{end}}</td></tr>
{{end}}</table>
<p>{{.Tally}}</p>
</body>
</html>
`
