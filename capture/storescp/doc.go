// Package storescp receives DICOM files over the network: dcmtk's storescp does the
// protocol, one child for each association, and this package does the rest.
//
//	sender → listener here (which addresses, how many) → storescp on that connection
//	       → a folder of its own → complete files, one rename each, into the inbox
//
// # Promises
//
//   - A file that was acknowledged to its sender is on the disk: the folder that storescp
//     writes into is marked for synchronous writing (chattr +S, which ext4 and others
//     honour; [Receiver.Synchronous] says whether this one does). storescp itself does not
//     flush.
//   - Only complete files reach the inbox. What a crash or a power cut leaves is handed on
//     at the next start, whole or not: a broken file is then rejected with a reason, which
//     is better than none.
//   - No name, identifier or number in a file becomes a path.
//   - A title (AE title) is no authentication. Certificates are, and a list of addresses
//     keeps mistakes out.
package storescp
