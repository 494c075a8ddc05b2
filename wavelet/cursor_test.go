package wavelet_test

import (
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

func TestCursorMovesWithTheText(t *testing.T) {
	plain := richtext.Attributes{}
	edit := func(id wavelet.BlipID, d richtext.Delta) wavelet.Op { return wavelet.EditBlip{Blip: id, Delta: d} }
	put := func(at int, text string) wavelet.Op {
		return edit("b+1", richtext.Delta{}.Retain(at, plain).Insert(text, plain))
	}
	cut := func(at, n int) wavelet.Op { return edit("b+1", richtext.Delta{}.Retain(at, plain).Delete(n)) }
	tests := []struct {
		name         string
		ops          []wavelet.Op
		others, mine [2]int // a selection of 4 to 7 after ops of another person, and after its owner's
	}{
		{"nothing", nil, [2]int{4, 7}, [2]int{4, 7}},
		{"before", []wavelet.Op{put(0, "ab")}, [2]int{6, 9}, [2]int{6, 9}},
		{"at the anchor", []wavelet.Op{put(4, "ab")}, [2]int{4, 9}, [2]int{6, 9}},
		{"inside", []wavelet.Op{put(5, "ab")}, [2]int{4, 9}, [2]int{4, 9}},
		{"at the head", []wavelet.Op{put(7, "ab")}, [2]int{4, 7}, [2]int{4, 9}},
		{"behind", []wavelet.Op{put(8, "ab")}, [2]int{4, 7}, [2]int{4, 7}},
		{"a pair is two units", []wavelet.Op{put(0, "😀")}, [2]int{6, 9}, [2]int{6, 9}},
		{"cut across the anchor", []wavelet.Op{cut(2, 3)}, [2]int{2, 4}, [2]int{2, 4}},
		{"cut whole", []wavelet.Op{cut(1, 9)}, [2]int{1, 1}, [2]int{1, 1}},
		{"one after the other", []wavelet.Op{put(0, "abc"), cut(0, 1), put(6, "x")}, [2]int{6, 10}, [2]int{7, 10}},
		{"another blip", []wavelet.Op{edit("b+2", richtext.Delta{}.Insert("ab", plain)), wavelet.DeleteBlip{Blip: "b+2"}}, [2]int{4, 7}, [2]int{4, 7}},
		{"no text", []wavelet.Op{wavelet.SetTag{Tag: "x"}}, [2]int{4, 7}, [2]int{4, 7}},
	}
	for _, test := range tests {
		for own, want := range map[bool][2]int{false: test.others, true: test.mine} {
			got, ok := wavelet.Cursor{Blip: "b+1", Anchor: 4, Head: 7}.After(test.ops, own)
			if !ok || got != (wavelet.Cursor{Blip: "b+1", Anchor: want[0], Head: want[1]}) {
				t.Errorf("%s (own %v): %+v %v, want %v", test.name, own, got, ok, want)
			}
		}
	}
	if c, ok := (wavelet.Cursor{Blip: "b+1", Head: 1}).After([]wavelet.Op{put(0, "a"), wavelet.DeleteBlip{Blip: "b+1"}}, true); ok {
		t.Errorf("a cursor in a deleted blip: %+v", c)
	}
	for at, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 9: 7} { // 3 is in the new text, 4 at its end
		c, ok := wavelet.Cursor{Blip: "b+1", Anchor: at, Head: at}.Before([]wavelet.Op{wavelet.SetTag{Tag: "x"}, put(2, "xyz"), cut(4, 1)})
		if !ok || c.Anchor != want || c.Head != want {
			t.Errorf("before the edit %d was at %+v %v, want %d", at, c, ok, want)
		}
	}
	if c, ok := (wavelet.Cursor{Blip: "b+2"}).Before([]wavelet.Op{wavelet.CreateBlip{Blip: "b+2"}}); ok {
		t.Errorf("a cursor in a blip before it was made: %+v", c)
	}
	if c := (wavelet.Cursor{Blip: "b+1", Anchor: -3, Head: 12}).Within(10); c.Anchor != 0 || c.Head != 10 {
		t.Errorf("within 10: %+v", c)
	}
}
