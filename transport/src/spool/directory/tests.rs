//! Guards the spool against a process that dies between any two file operations, and against damaged
//! directories: the old state or the new state survives, and no other state is lost.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use prompush_core::Format;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::payload::{Families, GroupChange};
use crate::spool::fingerprint;

const BASE: &str = "http://gw:9091";
const GROUP: &str = "/metrics/job/x";
const OTHER: &str = "/metrics/job/other";

/// When the process dies: before its n-th operation, in the middle of it, or after it.
#[derive(Clone, Copy, Debug)]
enum CrashPoint {
    Before,
    Within,
    After,
}

/// A disk whose process dies.
#[derive(Debug)]
struct CrashingDisk {
    /// Operations so far, by name.
    done: Mutex<Vec<&'static str>>,
    dies_at: usize,
    when: CrashPoint,
}

impl CrashingDisk {
    fn new(dies_at: usize, when: CrashPoint) -> Arc<Self> {
        Arc::new(Self { done: Mutex::default(), dies_at, when })
    }

    fn act<T>(
        &self,
        name: &'static str,
        whole: impl FnOnce() -> io::Result<T>,
        half: impl FnOnce(),
    ) -> io::Result<T> {
        let mut done = self.done.lock().unwrap();
        let at = done.len();
        done.push(name);
        if at < self.dies_at {
            return whole();
        }
        if at == self.dies_at {
            match self.when {
                CrashPoint::Before => {}
                CrashPoint::Within => half(),
                CrashPoint::After => drop(whole()?),
            }
        }
        Err(io::Error::other("killed"))
    }
}

impl Disk for CrashingDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.act("create_dir", || SystemDisk.create_dir(dir), || {})
    }

    fn create_file(&self, path: &Path) -> io::Result<File> {
        self.act("create_file", || SystemDisk.create_file(path), || {})
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let mut copy = file.try_clone()?;
        let half = || SystemDisk.write(&mut copy, &bytes[..bytes.len() / 2]).unwrap();
        self.act("write", || SystemDisk.write(file, bytes), half)
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        self.act("sync_file", || SystemDisk.sync_file(file), || {})
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.act("rename", || SystemDisk.rename(from, to), || {})
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.act("remove", || SystemDisk.remove(path), || {})
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.act("sync_dir", || SystemDisk.sync_dir(dir), || {})
    }
}

fn families(name: &str, value: usize) -> Families {
    let text = format!("# TYPE {name} gauge\n{name} {value}\n");
    Families::new(Format::Text, [(Arc::from(name), Arc::from(text.into_bytes()))])
}

fn key(path: &str) -> AnyGroupingKey {
    AnyGroupingKey::from_path(path).unwrap()
}

fn record(path: &str, seconds: u64, change: GroupChange) -> Record {
    let created = UNIX_EPOCH + Duration::from_secs(seconds);
    Record { base: BASE.to_owned(), key: key(path), change, created, unconfirmed: vec![seconds] }
}

#[track_caller]
fn store(spool: &Spool, record: Record) {
    assert!(spool.store(vec![record]).iter().all(Result::is_ok));
}

/// The spooled states of both groups.
fn stored(dir: &Path) -> [Option<Record>; 2] {
    [GROUP, OTHER].map(|path| Spool::new(dir).find(BASE, &key(path)))
}

/// A directory with a state of `GROUP`, or a torn file in its place, and one of `OTHER`.
fn prepared(before: Option<&Record>, torn: bool) -> TempDir {
    let dir = tempdir().unwrap();
    let spool = Spool::new(dir.path());
    store(&spool, record(OTHER, 1, GroupChange::Delete));
    if let Some(before) = before {
        store(&spool, before.clone());
        let file = spool.file_of(BASE, &key(GROUP));
        if torn {
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        }
    }
    dir
}

/// Repeats `change`, each time with a crash one step later, and checks the files after it; returns
/// the operations of the time when it did not die.
fn crash_everywhere(
    prepare: impl Fn() -> TempDir,
    change: impl Fn(&Spool) -> bool,
    check: impl Fn(&Path, bool, &str),
) -> Vec<&'static str> {
    for dies_at in 0.. {
        for when in [CrashPoint::Before, CrashPoint::Within, CrashPoint::After] {
            let dir = prepare();
            let disk = CrashingDisk::new(dies_at, when);
            let done = change(&Spool::on_disk(dir.path(), Arc::clone(&disk) as Arc<dyn Disk>));
            let operations = disk.done.lock().unwrap().clone();
            if operations.len() <= dies_at {
                check(dir.path(), done, "alive");
                assert!(done, "{operations:?}");
                return operations;
            }
            check(dir.path(), done, &format!("dead {when:?} {:?}", operations.last()));
        }
    }
    unreachable!("a change has an end")
}

#[test]
fn a_crash_at_any_step_leaves_the_old_state_or_the_new_one() {
    let old = record(GROUP, 2, GroupChange::Push(families("a", 1)));
    let new = record(GROUP, 3, GroupChange::Add(families("b", 2)));
    let mut merged = new.clone();
    merged.merge(old.clone()).unwrap();
    for (before, after) in [(None, &new), (Some(&old), &merged)] {
        let check = |dir: &Path, done: bool, when: &str| {
            let [group, other] = stored(dir);
            assert!(group.as_ref() == before || group.as_ref() == Some(after), "{when}: {group:?}");
            assert!(!done || group.as_ref() == Some(after), "{when}: what is said to be kept is");
            assert_eq!(other, Some(record(OTHER, 1, GroupChange::Delete)), "{when}");
            // And the next process goes on from there.
            let spool = Spool::new(dir);
            spool.prepare().unwrap();
            store(&spool, new.clone());
            assert_eq!(stored(dir)[0].as_ref().unwrap().change, after.change, "{when}");
            assert_eq!(spool.entries().unwrap().len(), 2, "{when}");
        };
        let change = |spool: &Spool| spool.store(vec![new.clone()]).iter().all(Result::is_ok);
        let operations = crash_everywhere(|| prepared(before, false), change, check);
        // The syncs make it true after a power cut, too.
        assert_eq!(operations, ["create_file", "write", "sync_file", "rename", "sync_dir"]);
    }
}

#[test]
fn a_crash_while_a_torn_file_is_renamed_loses_nothing() {
    let old = record(GROUP, 2, GroupChange::Push(families("a", 1)));
    let new = record(GROUP, 3, GroupChange::Push(families("b", 2)));
    let check = |dir: &Path, done: bool, when: &str| {
        let [group, other] = stored(dir);
        assert!(group == Some(new.clone()) || (group.is_none() && !done), "{when}: {group:?}");
        assert!(other.is_some(), "{when}");
        let entries = Spool::new(dir).entries().unwrap();
        let torn = entries.iter().filter(|entry| entry.fault() == Some(SpoolFault::Torn));
        assert_eq!(torn.count(), 1, "{when}: the torn file is still there, under either name");
    };
    let change = |spool: &Spool| spool.store(vec![new.clone()]).iter().all(Result::is_ok);
    crash_everywhere(|| prepared(Some(&old), true), change, check);
}

#[test]
fn a_crash_during_a_removal_leaves_the_state_or_no_state() {
    let old = record(GROUP, 2, GroupChange::Push(families("a", 1)));
    let check = |dir: &Path, done: bool, when: &str| {
        let [group, other] = stored(dir);
        assert!(group.is_none() || (group.as_ref() == Some(&old) && !done), "{when}: {group:?}");
        assert!(other.is_some(), "{when}");
    };
    let remove_obsolete =
        |spool: &Spool| spool.remove_obsolete(BASE, &key(GROUP), old.created).is_ok();
    let operations = crash_everywhere(|| prepared(Some(&old), false), remove_obsolete, check);
    assert_eq!(operations, ["remove", "sync_dir"]);
    let remove = |spool: &Spool| {
        let entries = spool.entries().unwrap();
        let entry = entries.iter().find(|entry| entry.group() == Some(&key(GROUP))).unwrap();
        spool.remove(entry).is_ok()
    };
    crash_everywhere(|| prepared(Some(&old), false), remove, check);
}

#[test]
fn only_states_that_are_not_newer_are_removed() {
    let dir = prepared(Some(&record(GROUP, 2, GroupChange::Delete)), false);
    let spool = Spool::new(dir.path());
    assert!(
        !spool.remove_obsolete(BASE, &key(GROUP), UNIX_EPOCH + Duration::from_secs(1)).unwrap()
    );
    assert!(
        !spool.remove_obsolete("http://elsewhere", &key(GROUP), SystemTime::UNIX_EPOCH).unwrap()
    );
    assert!(stored(dir.path())[0].is_some());
    assert!(spool.remove_obsolete(BASE, &key(GROUP), UNIX_EPOCH + Duration::from_secs(2)).unwrap());
    assert!(stored(dir.path())[0].is_none());
}

#[test]
fn files_are_accessible_to_their_owner_only() {
    let dir = tempdir().unwrap();
    let inner = dir.path().join("a/spool");
    let spool = Spool::new(&inner);
    assert!(spool.entries().unwrap().is_empty());
    store(&spool, record(GROUP, 1, GroupChange::Delete));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    let files: Vec<_> = fs::read_dir(&inner).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
}

#[test]
fn foreign_files_stay_or_are_renamed() {
    let dir = prepared(None, false);
    let spool = Spool::new(dir.path());
    let file = spool.file_of(BASE, &key(GROUP));
    let mut newer = record(GROUP, 9, GroupChange::Push(families("a", 1))).encode();
    newer[15] = 7;
    let elsewhere = record("/metrics/job/elsewhere", 9, GroupChange::Delete).encode();
    for contents in [&newer[..], b"my notes\n", &elsewhere] {
        fs::write(&file, contents).unwrap();
        fs::write(dir.path().join("notes.txt"), "left alone").unwrap();
        store(&spool, record(GROUP, 2, GroupChange::Delete));
        assert_eq!(stored(dir.path())[0].as_ref().unwrap().change, GroupChange::Delete);
        let names = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
        let there = names.filter(|path| fs::read(path).unwrap() == contents).count();
        assert_eq!(there, 1, "nothing is lost");
    }
    let faults: Vec<_> = spool.entries().unwrap().iter().map(SpoolEntry::fault).collect();
    assert_eq!(faults.iter().filter(|fault| fault.is_none()).count(), 3);
    for fault in [SpoolFault::Version(7), SpoolFault::Foreign] {
        assert!(faults.contains(&Some(fault)), "{faults:?}");
    }
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_not_removed() {
    let dir = prepared(Some(&record(GROUP, 2, GroupChange::Delete)), false);
    let spool = Spool::new(dir.path());
    let entries = spool.entries().unwrap();
    store(&spool, record(GROUP, 3, GroupChange::Push(families("a", 1))));
    let removed: Vec<bool> = entries.iter().map(|entry| spool.remove(entry).unwrap()).collect();
    assert_eq!(removed.iter().filter(|removed| **removed).count(), 1);
    assert!(stored(dir.path())[0].is_some() && stored(dir.path())[1].is_none());
}

#[test]
fn a_lock_is_waited_for_up_to_a_limit() {
    let dir = tempdir().unwrap();
    let spool = Spool::new(dir.path());
    let lock = spool.lock().unwrap();
    let spooled = spool.store(vec![record(GROUP, 1, GroupChange::Delete)]).remove(0);
    assert!(matches!(*spooled.unwrap_err(), SpoolError::Locked { .. }));
    std::thread::scope(|scope| {
        let waits =
            scope.spawn(|| spool.store(vec![record(GROUP, 1, GroupChange::Delete)]).remove(0));
        drop(lock);
        waits.join().unwrap().unwrap();
    });
    let replaying = spool.lock_replay().unwrap();
    assert!(matches!(spool.lock_replay(), Err(SpoolError::Replaying { .. })));
    drop(replaying);
    spool.lock_replay().unwrap();
}

#[test]
fn an_unusable_spool_gives_the_reason() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for bad in [file.clone(), file.join("below"), PathBuf::from("/proc/nothing/spool")] {
        let spool = Spool::new(&bad);
        let error = spool.store(vec![record(GROUP, 1, GroupChange::Delete)]).remove(0).unwrap_err();
        assert!(error.to_string().contains(&format!("`{}`", bad.display())), "{error}");
        assert!(spool.prepare().is_err());
    }
}

#[test]
fn many_writers_at_once_lose_nothing() {
    const WRITERS: usize = 8;
    let dir = tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let spool = Spool::new(dir.path());
            scope.spawn(move || {
                let name = format!("of_{writer}");
                store(&spool, record(GROUP, 1, GroupChange::Add(families(&name, writer))));
                store(&spool, record(&format!("{GROUP}{writer}"), 1, GroupChange::Delete));
            });
        }
    });
    let spool = Spool::new(dir.path());
    assert_eq!(spool.entries().unwrap().len(), 1 + WRITERS);
    let all = spool.find(BASE, &key(GROUP)).unwrap();
    assert_eq!(all.change.families().unwrap().len(), WRITERS);
}

#[test]
fn files_of_others_are_neither_read_nor_removed() {
    let dir = tempdir().unwrap();
    let spool = Spool::new(dir.path());
    let pipe = spool.file_of(BASE, &key(GROUP));
    let created = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(created.is_ok_and(|status| status.success()));
    fs::create_dir(dir.path().join("folder.spool")).unwrap();
    fs::write(dir.path().join("important.tmp"), "precious").unwrap();
    fs::write(dir.path().join("0123456789abcdef.tmp"), "half").unwrap();
    assert!(
        spool.entries().unwrap().iter().all(|entry| entry.fault() == Some(SpoolFault::Foreign))
    );
    spool.prepare().unwrap();
    store(&spool, record(GROUP, 1, GroupChange::Push(families("a", 1))));
    assert!(spool.find(BASE, &key(GROUP)).is_some());
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.contains("lock"))
        .collect();
    names.sort_unstable();
    let ours = pipe.file_stem().unwrap().to_string_lossy();
    let mut expected = vec![
        format!("{ours}-2.spool"),
        format!("{ours}.spool"),
        "folder.spool".to_owned(),
        "important.tmp".to_owned(),
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn a_state_of_another_process_becomes_unconfirmed() {
    let dir = tempdir().unwrap();
    let spool = Spool::new(dir.path());
    let earlier = GroupChange::Push(families("a", 1));
    store(&spool, Record { unconfirmed: Vec::new(), ..record(GROUP, 1, earlier.clone()) });
    let creation_time = GroupChange::Push(families("a", 2));
    store(&spool, Record { unconfirmed: Vec::new(), ..record(GROUP, 2, creation_time) });
    let unconfirmed = spool.find(BASE, &key(GROUP)).unwrap().unconfirmed;
    assert_eq!(unconfirmed, [fingerprint::of_change(&earlier, &key(GROUP)).unwrap()]);
}

#[test]
fn pipes_and_directories_in_place_of_files_do_not_block() {
    let dir = tempdir().unwrap();
    let spool = Spool::new(dir.path());
    let half = spool.file_of(BASE, &key(GROUP)).with_extension("tmp");
    std::os::unix::fs::symlink("/nowhere/at/all", half).unwrap();
    let put = |value| record(GROUP, value as u64, GroupChange::Push(families("a", value)));
    store(&spool, put(1));
    assert!(stored(dir.path())[0].is_some());
    let lock = dir.path().join(".lock");
    fs::remove_file(&lock).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
    let refused = spool.store(vec![put(2)]).pop().unwrap().unwrap_err();
    assert!(format!("{refused:?}").contains("not a regular file"), "{refused:?}");
}
