package kit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"weir/robots/kit"
)

// A robot that puts one word right, wherever somebody writes it.
func ExampleNew() {
	robot := kit.New("mender", func(_ context.Context, in *kit.Bundle, out *kit.Reply) error {
		if in.Label.Lane == kit.Robots {
			return kit.NoReply // what robots write is their own affair
		}
		for _, blip := range in.Written() {
			out.Edit(blip.ID, kit.Match("recieve")).Replace("receive")
		}
		return nil
	}, kit.DocumentChanged)

	// http.ListenAndServe("127.0.0.1:9002", robot) serves it. This is what a server
	// posts, and gets.
	answer, err := robot.Answer(context.Background(), []byte(`{
		"events": [{"type": "DOCUMENT_CHANGED", "modifiedBy": "ann@example.com", "properties": {"blipId": "b+1"}}],
		"wavelet": {"waveId": "example.com!w+1", "waveletId": "example.com!conv+root"},
		"blips": {"b+1": {"blipId": "b+1", "content": "\nI recieve robots."}}}`))
	var ops []kit.Operation
	if err = errors.Join(err, json.Unmarshal(answer, &ops)); err != nil {
		fmt.Println(err)
	}
	for _, op := range ops {
		fmt.Println(op.Method, op.Params["blipId"], op.Params["modifyQuery"])
	}
	// Output:
	// robot.notify <nil> <nil>
	// document.modify b+1 map[textMatch:recieve]
}
