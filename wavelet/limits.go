package wavelet

// Limits of a wavelet and of one delta. Sizes of text are in bytes of UTF-8;
// that of a document is richtext.MaxDocument. Deltas of the server itself are
// not held to the numbers of things, so that a notice fits into a full wavelet.
const (
	MaxBlips        = 1_000    // living blips
	MaxBlipsEver    = 10_000   // blips with tombstones; also threads
	MaxParticipants = 1_000    //
	MaxTags         = 200      //
	MaxTag          = 100      // bytes of a tag
	MaxDataDocs     = 100      //
	MaxData         = 64 << 10 // bytes of a data document
	MaxTitle        = 1_000    // bytes of a title that is set
	MaxDelta        = 1 << 20  // bytes of a delta, as JSON; of its texts, names and values otherwise
	MaxOps          = 10_000   // ops of a delta, with those of the edits in it
)
