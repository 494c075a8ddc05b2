package robots

import (
	"strings"

	"weir/policies"
	"weir/wavelet"
)

// programs ends the address under which a person's programs are counted. No
// robot can be registered under such an address: its domain is none.
const programs = "/data"

// ProgramsOf is the address under which the programs that write in a person's
// name are counted and limited, all of them together.
func ProgramsOf(person wavelet.Participant) wavelet.Participant { return person + programs }

// PersonOf is the person whose programs are counted under an address, false if
// it is no such address.
func PersonOf(id wavelet.Participant) (wavelet.Participant, bool) {
	person, ok := strings.CutSuffix(string(id), programs)
	return wavelet.Participant(person), ok
}

// programsProfile is the profile that a person's programs are held under: the
// default one, with what the policies say of their address.
func (d *Directory) programsProfile(id wavelet.Participant) (policies.Profile, bool) {
	return d.o.Profiles().For(string(id), "")
}
