// Package remote speaks SSH and SFTP to a server: dial, run one command,
// upload one file, forward a connection. It has no policy and knows neither
// sites nor files of a site.
//
// The host key is pinned and never accepted blindly. Start reading at Dial.
package remote
