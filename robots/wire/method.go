package wire

import (
	"net/http"
	"strings"

	"weir/events"
)

// Method is the name of an operation, as the newer dialect spells it.
type Method string

// The operations that are carried out.
const (
	Notify             Method = "robot.notify"
	GetLimits          Method = "robot.getLimits"
	FetchWave          Method = "robot.fetchWave"
	CreateWavelet      Method = "robot.createWavelet"
	Search             Method = "robot.search"
	FetchProfiles      Method = "robot.fetchProfiles"
	FolderAction       Method = "robot.folderAction"
	ExportSnapshot     Method = "robot.exportSnapshot"
	ExportAttachment   Method = "robot.exportAttachment"
	ImportAttachment   Method = "robot.importAttachment"
	AppendBlip         Method = "wavelet.appendBlip"
	SetTitle           Method = "wavelet.setTitle"
	AddParticipant     Method = "wavelet.addParticipant"
	RemoveParticipant  Method = "wavelet.removeParticipant"
	ModifyRole         Method = "wavelet.modifyParticipantRole"
	ModifyTag          Method = "wavelet.modifyTag"
	SetDatadoc         Method = "wavelet.setDatadoc"
	AppendDatadoc      Method = "wavelet.appendDatadoc"
	CreateChild        Method = "blip.createChild"
	ContinueThread     Method = "blip.continueThread"
	DeleteBlip         Method = "blip.delete"
	ModifyDocument     Method = "document.modify"
	AppendMarkup       Method = "document.appendMarkup"
	InsertInlineBlip   Method = "document.insertInlineBlip"
	AppendInlineBlip   Method = "document.appendInlineBlip"
	InlineAfterElement Method = "document.insertInlineBlipAfterElement"
)

// The operations that exchange deltas in a form of old. They are known, and
// refused.
const (
	ExportDeltas Method = "robot.exportDeltas"
	ImportDeltas Method = "robot.importDeltas"
)

// The operations on annotations and elements of before document.modify. No
// client in use sends them; they are carried out as what they stand for.
const (
	DeleteAnnotation     Method = "document.deleteAnnotation"
	SetAnnotation        Method = "document.setAnnotation"
	SetAnnotationNoRange Method = "document.setAnnotationNoRange"
	AppendElement        Method = "document.appendElement"
	DeleteElement        Method = "document.deleteElement"
	InsertElement        Method = "document.insertElement"
	InsertElementAfter   Method = "document.insertElementAfter"
	InsertElementBefore  Method = "document.insertElementBefore"
	ModifyElementAttrs   Method = "document.modifyElementAttrs"
	ReplaceElement       Method = "document.replaceElement"
)

// MethodOf reads a method's name in any spelling, with or without "wave."
// before it. A name that nobody knows comes back as it is.
func MethodOf(name string) Method {
	name = strings.TrimPrefix(name, "wave.")
	switch name {
	case "robot.notifyCapabilitiesHash":
		return Notify
	case "wavelet.create":
		return CreateWavelet
	case "wavelet.participant.add":
		return AddParticipant
	case "wavelet.participant.remove":
		return RemoveParticipant
	case "wavelet.datadoc.set":
		return SetDatadoc
	case "wavelet.datadoc.append":
		return AppendDatadoc
	case "document.inlineBlip.insert":
		return InsertInlineBlip
	case "document.inlineBlip.append":
		return AppendInlineBlip
	case "document.inlineBlip.insertAfterElement":
		return InlineAfterElement
	case "document.annotation.delete":
		return DeleteAnnotation
	case "document.annotation.set":
		return SetAnnotation
	case "document.annotation.setNoRange":
		return SetAnnotationNoRange
	case "document.element.append":
		return AppendElement
	case "document.element.delete":
		return DeleteElement
	case "document.element.insert":
		return InsertElement
	case "document.element.insertAfter":
		return InsertElementAfter
	case "document.element.insertBefore":
		return InsertElementBefore
	case "document.element.modifyAttrs":
		return ModifyElementAttrs
	case "document.element.replace":
		return ReplaceElement
	}
	return Method(name)
}

// action is what carries out an operation on a draft.
type action func(*application, *draft, params) (any, *events.OperationFailure)

// actionOf is the action of a method, nil if it has none.
func actionOf(m Method) action {
	switch m {
	case FetchWave:
		return (*application).fetchWave
	case FolderAction:
		return (*application).folderAction
	case ExportSnapshot:
		return (*application).exportSnapshot
	case ExportDeltas, ImportDeltas:
		return func(a *application, _ *draft, _ params) (any, *events.OperationFailure) { return a.noDeltas(m) }
	case ImportAttachment:
		return (*application).importAttachment
	case AppendBlip:
		return (*application).appendBlip
	case CreateChild:
		return (*application).createChild
	case ContinueThread:
		return (*application).continueThread
	case DeleteBlip:
		return (*application).deleteBlip
	case ModifyDocument:
		return (*application).modifyDocument
	case AppendMarkup:
		return (*application).appendMarkup
	case InsertInlineBlip, AppendInlineBlip, InlineAfterElement:
		return func(a *application, d *draft, p params) (any, *events.OperationFailure) { return a.inlineBlip(d, p, m) }
	case DeleteAnnotation, SetAnnotation, SetAnnotationNoRange:
		return func(a *application, d *draft, p params) (any, *events.OperationFailure) {
			return a.oneAnnotation(d, p, m)
		}
	case AppendElement, DeleteElement, InsertElement, InsertElementAfter, InsertElementBefore, ModifyElementAttrs, ReplaceElement:
		return func(a *application, d *draft, p params) (any, *events.OperationFailure) { return a.oneElement(d, p, m) }
	case SetTitle:
		return (*application).setTitle
	case AddParticipant:
		return (*application).addParticipant
	case RemoveParticipant:
		return (*application).removeParticipant
	case ModifyRole:
		return (*application).modifyRole
	case ModifyTag:
		return (*application).modifyTag
	case SetDatadoc, AppendDatadoc:
		return func(a *application, d *draft, p params) (any, *events.OperationFailure) {
			return a.setDatadoc(d, p, m == AppendDatadoc)
		}
	}
	return nil
}

// unknownMethod is the failure of what this server does not do. Names that the
// protocol has are told from those that it has not.
func unknownMethod(m Method) *events.OperationFailure {
	switch m {
	case CreateWavelet, "robot.importSnapshot", "robot.fetchMyProfile", "wavelet.removeSelf", "blip.setAuthor", "blip.setCreationTime",
		"document.append", "document.appendStyledText", "document.delete", "document.insert", "document.replace":
		return fail(http.StatusNotImplemented, "%s is not offered by this server", m)
	}
	return fail(http.StatusNotFound, "there is no operation %q", string(m))
}
