package wire

import (
	"encoding/json"
	"errors"
)

// params is the parameters of all operations. Null is the same as absent
// everywhere, except in properties, and what nobody knows is skipped.
type params struct {
	WaveID      scalar `json:"waveId"`
	WaveletID   scalar `json:"waveletId"`
	BlipID      scalar `json:"blipId"`
	ProxyingFor scalar `json:"proxyingFor"`

	CapabilitiesHash scalar `json:"capabilitiesHash"`
	ProtocolVersion  scalar `json:"protocolVersion"`
	Bundle           scalar `json:"bundle"`

	Capabilities announcement `json:"capabilities"`

	BlipData         *blipData       `json:"blipData"`
	WaveletData      *newWaveletData `json:"waveletData"`
	Content          scalar          `json:"content"`
	Title            scalar          `json:"waveletTitle"`
	ParticipantID    scalar          `json:"participantId"`
	Role             scalar          `json:"participantRole"`
	Name             scalar          `json:"name"`
	ModifyHow        scalar          `json:"modifyHow"`
	DatadocName      scalar          `json:"datadocName"`
	DatadocValue     scalar          `json:"datadocValue"`
	Message          scalar          `json:"message"`
	ReturnWaveletIDs scalar          `json:"returnWaveletIds"`
	Search           scalar          `json:"query"`
	NumResults       scalar          `json:"numResults"`
	ProfilesRequest  *profileIDs     `json:"fetchProfilesRequest"`
	AttachmentID     scalar          `json:"attachmentId"`
	AttachmentData   *fileData       `json:"attachmentData"`

	Index   scalar       `json:"index"`
	Range   *rangeData   `json:"range"`
	Query   *queryData   `json:"modifyQuery"`
	Action  *actionData  `json:"modifyAction"`
	Element *elementData `json:"element"`

	Annotation    *annotationData `json:"annotation"`
	AnnotationKey scalar          `json:"annotationKey"`
	Value         scalar          `json:"value"`

	elementsOnly bool // what is hit must be elements
}

// annotationData is one annotation, over a range if it has one.
type annotationData struct {
	Name  scalar     `json:"name"`
	Value scalar     `json:"value"`
	Range *rangeData `json:"range"`
}

// blipData is a new blip.
type blipData struct {
	BlipID  scalar `json:"blipId"`
	Content scalar `json:"content"`
}

// profileIDs are the people and robots whose profiles are wanted.
type profileIDs struct {
	IDs []scalar `json:"participantIds"`
}

// rangeData is a range of offsets, which may be negative.
type rangeData struct {
	Start scalar `json:"start"`
	End   scalar `json:"end"`
}

// queryData tells what to look for in a blip.
type queryData struct {
	TextMatch    scalar     `json:"textMatch"`
	ElementMatch scalar     `json:"elementMatch"`
	MaxRes       scalar     `json:"maxRes"`
	ExactRes     scalar     `json:"exactRes"` // how many hits there have to be, or nothing is done
	Restrictions properties `json:"restrictions"`
}

// actionData tells what to do with what was found.
type actionData struct {
	How           scalar         `json:"modifyHow"`
	Values        []scalar       `json:"values"`
	Elements      []*elementData `json:"elements"`
	AnnotationKey scalar         `json:"annotationKey"`
	Annotations   *[]keyValue    `json:"bundledAnnotations"`
	UseMarkup     scalar         `json:"useMarkup"`
}

// keyValue is an annotation that comes with inserted text.
type keyValue struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
}

// elementData is an element that a robot inserts or updates.
type elementData struct {
	Type       string     `json:"type"`
	Properties properties `json:"properties"`
}

// properties are an element's properties; nil is JSON null.
type properties map[string]*string

// UnmarshalJSON takes values that are text, numbers, booleans or null.
func (p *properties) UnmarshalJSON(raw []byte) error {
	var in map[string]scalar
	if err := json.Unmarshal(raw, &in); err != nil {
		return errors.New("want an object whose values are text")
	}
	*p = make(properties, len(in))
	for name, value := range in {
		(*p)[name] = nil
		if value.set {
			(*p)[name] = &value.text
		}
	}
	return nil
}

// text is a property's value, "" if it is null or absent.
func (p properties) text(name string) string {
	if v := p[name]; v != nil {
		return *v
	}
	return ""
}
