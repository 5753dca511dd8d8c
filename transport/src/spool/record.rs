//! The file format of the spool: one state as the bytes of one file.
//!
//! Numbers are little-endian. A text is its length (`u32`) and its bytes.
//!
//! | field | bytes |
//! |---|---|
//! | magic `prompush spool\n` | 15 |
//! | version, 1 | 1 |
//! | length of the payload, which is all that follows the checksum | 8 |
//! | CRC-32 of the payload | 4 |
//! | verb: 0 push, 1 add, 2 delete | 1 |
//! | format: 0 text, 1 protobuf | 1 |
//! | when the state was created: seconds since 1970, nanoseconds | 8 + 4 |
//! | the gateway's base URL, without credentials | text |
//! | the group's path, from `/metrics` on | text |
//! | number of fingerprints of unconfirmed changes, and the fingerprints | 4 + 8 each |
//! | number of families, and the name and the bytes of each | 4 + texts |
//!
//! The first two fields are the same in every version, so that each version recognises the files that it
//! cannot read.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::Crc;
use prompush_core::Format;

use crate::error::{SpoolFault, Verb};
use crate::group_key::AnyGroupingKey;
use crate::payload::{ConvertError, Families, GroupChange};
use crate::spool::fingerprint;

const MAGIC: &[u8] = b"prompush spool\n";
const VERSION: u8 = 1;

/// The largest number of fingerprints that a record keeps.
const UNCONFIRMED_MAX: usize = 16;

/// Bytes before the payload.
const HEAD_LENGTH: usize = MAGIC.len() + 1 + 8 + 4;

/// A state that a gateway has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The gateway's base URL, without credentials.
    pub(crate) base: String,
    pub(crate) key: AnyGroupingKey,
    pub(crate) change: GroupChange,
    /// When the newest part of the change was created, by the clock of this machine.
    pub(crate) created: SystemTime,
    /// Fingerprints of other changes that were sent without an answer: the gateway may have taken them,
    /// or may still take them.
    pub(crate) unconfirmed: Vec<u64>,
}

impl Record {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        let (verb, families) = match &self.change {
            GroupChange::Push(families) => (0, Some(families)),
            GroupChange::Add(families) => (1, Some(families)),
            GroupChange::Delete => (2, None),
        };
        let is_protobuf = families.is_some_and(|families| families.format() == Format::Protobuf);
        payload.extend([verb, u8::from(is_protobuf)]);
        let created = self.created.duration_since(UNIX_EPOCH).unwrap_or_default();
        payload.extend(created.as_secs().to_le_bytes());
        payload.extend(created.subsec_nanos().to_le_bytes());
        put_bytes(&mut payload, self.base.as_bytes());
        put_bytes(&mut payload, self.key.path().as_bytes());
        put_length(&mut payload, self.unconfirmed.len());
        payload.extend(
            self.unconfirmed.iter().flat_map(|add_unconfirmed| add_unconfirmed.to_le_bytes()),
        );
        put_length(&mut payload, families.map_or(0, Families::len));
        for (name, block) in families.into_iter().flat_map(Families::blocks) {
            put_bytes(&mut payload, name.as_bytes());
            put_bytes(&mut payload, block);
        }
        let mut file = Vec::with_capacity(HEAD_LENGTH + payload.len());
        file.extend(MAGIC);
        file.push(VERSION);
        file.extend((payload.len() as u64).to_le_bytes());
        file.extend(checksum(&payload).to_le_bytes());
        file.extend(payload);
        file
    }

    pub(crate) fn decode(file: &[u8]) -> Result<Self, SpoolFault> {
        let Some(rest) = file.strip_prefix(MAGIC) else {
            // A file that ends within the magic is a torn file of ours.
            let torn = MAGIC.starts_with(file);
            return Err(if torn { SpoolFault::Torn } else { SpoolFault::Foreign });
        };
        let (version, rest) = rest.split_first().ok_or(SpoolFault::Torn)?;
        if *version != VERSION {
            return Err(SpoolFault::Version(*version));
        }
        let mut head = Fields(rest);
        let length = head.u64()?;
        let sum = head.u32()?;
        let payload = head.0;
        if u64::try_from(payload.len()) != Ok(length) || checksum(payload) != sum {
            return Err(SpoolFault::Torn);
        }
        Self::decode_payload(payload)
    }

    fn decode_payload(payload: &[u8]) -> Result<Self, SpoolFault> {
        let mut fields = Fields(payload);
        let verb = fields.u8()?;
        let format = if fields.u8()? == 0 { Format::Text } else { Format::Protobuf };
        let created =
            Duration::from_secs(fields.u64()?) + Duration::from_nanos(fields.u32()?.into());
        let created = UNIX_EPOCH.checked_add(created).ok_or(SpoolFault::Torn)?;
        let base = fields.text()?.to_owned();
        let key = AnyGroupingKey::from_path(fields.text()?).map_err(|_| SpoolFault::Torn)?;
        let unconfirmed = (0..fields.u32()?).map(|_| fields.u64()).collect::<Result<_, _>>()?;
        let mut blocks = Vec::new();
        for _ in 0..fields.u32()? {
            blocks.push((Arc::from(fields.text()?), Arc::from(fields.bytes()?)));
        }
        let families = Families::new(format, blocks);
        let change = match verb {
            0 => GroupChange::Push(families),
            1 => GroupChange::Add(families),
            2 => GroupChange::Delete,
            _ => return Err(SpoolFault::Torn),
        };
        Ok(Self { base, key, change, created, unconfirmed })
    }

    pub(crate) fn verb(&self) -> Verb {
        self.change.verb()
    }

    /// Merges this record with the one that the spool keeps of the same group.
    ///
    /// Another process may be sending the spooled change right now, so its fingerprint becomes one of the
    /// unconfirmed.
    pub(crate) fn merge(&mut self, spooled: Self) -> Result<(), ConvertError> {
        let sent_by_others = match &spooled.change {
            GroupChange::Push(_) if spooled.change != self.change => {
                fingerprint::of_change(&spooled.change, &spooled.key)
            }
            _ => None,
        };
        let format = self.change.families().map(Families::format);
        let change = match format {
            Some(format) => spooled.change.in_format(format)?,
            None => spooled.change,
        };
        let own = std::mem::replace(&mut self.change, GroupChange::Delete);
        let is_older = spooled.created <= self.created;
        self.change = if is_older { change.then(own) } else { own.then(change) };
        self.created = self.created.max(spooled.created);
        self.unconfirmed.extend(spooled.unconfirmed.into_iter().chain(sent_by_others));
        self.unconfirmed.sort_unstable();
        self.unconfirmed.dedup();
        self.unconfirmed.truncate(UNCONFIRMED_MAX);
        Ok(())
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    // Bodies are far below 4 GiB: their limit is 64 MiB unless raised.
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend(bytes);
}

/// The rest of a payload that is being read. Its checksum was right, so reading should never fail.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], SpoolFault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SpoolFault::Torn)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SpoolFault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SpoolFault::Torn)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, SpoolFault> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, SpoolFault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, SpoolFault> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], SpoolFault> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn text(&mut self) -> Result<&'a str, SpoolFault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| SpoolFault::Torn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let families = |format| {
            Families::new(
                format,
                [
                    (Arc::from("a"), Arc::from(&b"# TYPE a gauge\na 1\n"[..])),
                    (Arc::from("b_total"), Arc::from(&b"# TYPE b_total counter\nb_total 2\n"[..])),
                ],
            )
        };
        let record = |change| Record {
            base: "http://gw:9091/prefix".to_owned(),
            key: AnyGroupingKey::from_path("/metrics/job/x/instance/i").unwrap(),
            change,
            created: UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789),
            unconfirmed: vec![1, u64::MAX],
        };
        vec![
            record(GroupChange::Push(families(Format::Text))),
            record(GroupChange::Add(families(Format::Protobuf))),
            Record { unconfirmed: Vec::new(), ..record(GroupChange::Delete) },
            record(GroupChange::Push(Families::new(Format::Text, []))),
        ]
    }

    #[test]
    fn a_decoded_record_equals_the_encoded_one() {
        for record in records() {
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn the_format_has_its_magic_and_version() {
        let file = records()[0].encode();
        let text = String::from_utf8_lossy(&file);
        assert!(file.starts_with(b"prompush spool\n\x01") && text.contains("a 1\n"), "{text}");
    }

    #[test]
    fn a_truncated_or_changed_file_is_refused() {
        let file = records()[0].encode();
        for cut in 0..file.len() {
            assert_eq!(Record::decode(&file[..cut]), Err(SpoolFault::Torn), "cut at {cut}");
        }
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                assert!(Record::decode(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
        let longer = [file.as_slice(), b"\n"].concat();
        assert_eq!(Record::decode(&longer), Err(SpoolFault::Torn));
    }

    #[test]
    fn newer_versions_and_foreign_files_are_recognised() {
        let mut newer = records()[0].encode();
        newer[MAGIC.len()] = 2;
        assert_eq!(Record::decode(&newer), Err(SpoolFault::Version(2)));
        assert_eq!(Record::decode(b"# TYPE a gauge\na 1\n"), Err(SpoolFault::Foreign));
    }
}
