mod failures;
mod server;

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::{Hub, HubError, HubSettings, Progress, silent};
use server::{COMMIT, Server, sha256};

const ID: &str = "org/model";
const CONFIG: (&str, &[u8]) = ("config.json", b"{}");
const WEIGHTS: (&str, &[u8]) = ("model.safetensors", b"the weights of a model");

fn model() -> Server {
    Server::start(&[CONFIG, WEIGHTS, ("README.md", b"read me"), ("tf_model.h5", b"other")])
}

/// Settings that don't wait.
fn settings(server: &Server, cache: &TempDir) -> HubSettings {
    let mut settings = HubSettings::new(cache.path());
    settings.endpoint = server.url.clone();
    settings.backoff = Duration::from_millis(1);
    settings
}

fn hub(server: &Server, cache: &TempDir) -> Hub {
    Hub::new(settings(server, cache)).unwrap()
}

fn offline(cache: &TempDir) -> Hub {
    let mut settings = HubSettings::new(cache.path());
    settings.offline = true;
    Hub::new(settings).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_model_is_fetched_once_into_the_standard_layout() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    let repo = cache.path().join("models--org--model");
    assert_eq!(folder, repo.join("snapshots").join(COMMIT));
    assert_eq!(names(&folder), ["config.json", "model.safetensors"]);
    assert_eq!(fs::read(folder.join(WEIGHTS.0)).unwrap(), WEIGHTS.1);
    assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    let blobs = names(&repo.join("blobs"));
    assert_eq!(blobs.len(), 2);
    assert!(blobs.contains(&sha256(WEIGHTS.1)));
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(folder.join(WEIGHTS.0)).unwrap(),
        Path::new("../../blobs").join(sha256(WEIGHTS.1))
    );

    server.seen();
    assert_eq!(hub(&server, &cache).snapshot(ID, &mut silent).unwrap(), folder);
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "only the listing: {seen:?}");
    assert_eq!(seen[0].path, "/api/models/org/model/revision/main");
}

#[test]
fn progress_reaches_the_size_of_each_file() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    let mut last = std::collections::BTreeMap::new();
    let mut report = |progress: Progress<'_>| {
        if let Progress::Download { file, done, total } = progress {
            last.insert(file.to_owned(), (done, total));
        }
    };
    hub(&server, &cache).snapshot(ID, &mut report).unwrap();
    assert_eq!(last["model.safetensors"], (22, Some(22)));
    assert_eq!(last["config.json"], (2, Some(2)));
}

#[test]
fn a_sharded_model_comes_with_all_its_shards() {
    let index = br#"{"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}"#;
    let server = Server::start(&[
        CONFIG,
        ("model.safetensors.index.json", index),
        ("m-1.safetensors", b"one"),
        ("m-2.safetensors", b"two"),
        ("pytorch_model.bin", b"pickle"),
    ]);
    let cache = tempfile::tempdir().unwrap();
    let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    let found = names(&folder);
    assert_eq!(
        found,
        ["config.json", "m-1.safetensors", "m-2.safetensors", "model.safetensors.index.json"]
    );
    assert_eq!(offline(&cache).snapshot(ID, &mut silent).unwrap(), folder);
    fs::remove_file(folder.join("m-2.safetensors")).unwrap();
    assert!(offline(&cache).snapshot(ID, &mut silent).is_err());
}

#[test]
fn revisions_are_kept_apart_and_a_commit_is_never_asked_for_again() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    let main = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    let other = "f".repeat(40);
    server.set(|state| {
        state.commit = other.clone();
        state.files.insert(WEIGHTS.0.to_owned(), b"newer".to_vec());
    });
    let change = hub(&server, &cache).snapshot("org/model@refs/pr/1", &mut silent).unwrap();
    assert_eq!(fs::read(change.join(WEIGHTS.0)).unwrap(), b"newer");
    assert!(server.seen().iter().any(|seen| seen.path.ends_with("/revision/refs%2Fpr%2F1")));
    assert_eq!(offline(&cache).snapshot("org/model@refs/pr/1", &mut silent).unwrap(), change);
    assert_eq!(offline(&cache).snapshot(ID, &mut silent).unwrap(), main);

    let pinned = format!("hf-hub:org/model@{other}");
    assert_eq!(hub(&server, &cache).snapshot(&pinned, &mut silent).unwrap(), change);
    assert!(server.seen().is_empty());
}

#[test]
fn an_update_replaces_the_copy_only_when_it_is_complete() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    let old = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    server.set(|state| {
        state.commit = "f".repeat(40);
        state.files.insert(WEIGHTS.0.to_owned(), b"newer weights".to_vec());
        state.cut = Some((3, 100));
        state.primitive = false;
    });
    let mut hurried = settings(&server, &cache);
    hurried.retries = 0;
    let mut told = false;
    let mut report = |progress: Progress<'_>| told |= matches!(progress, Progress::Cached { .. });
    let folder = Hub::new(hurried).unwrap().snapshot(ID, &mut report).unwrap();
    assert_eq!(folder, old);
    assert!(told);
    assert_eq!(offline(&cache).snapshot(ID, &mut silent).unwrap(), old);
    let new = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    assert_eq!(fs::read(new.join(WEIGHTS.0)).unwrap(), b"newer weights");
}

#[test]
fn several_callers_at_once_fetch_each_file_once() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
                assert_eq!(fs::read(folder.join(WEIGHTS.0)).unwrap(), WEIGHTS.1);
            });
        }
    });
    let seen = server.seen();
    let bodies = seen.iter().filter(|s| s.method == "GET" && s.path.ends_with(WEIGHTS.0)).count();
    assert_eq!(bodies, 1);
    assert_eq!(names(&cache.path().join("models--org--model/blobs")).len(), 2);
}

#[test]
fn the_token_goes_to_the_hub_and_not_to_where_it_redirects() {
    let (server, store) = (model(), model());
    let cache = tempfile::tempdir().unwrap();
    server.set(|state| {
        state.token = Some("secret".to_owned());
        // Another port is another origin.
        state.store = Some(store.url.clone());
    });
    let mut settings = settings(&server, &cache);
    settings.token = Some("secret".to_owned());
    let folder = Hub::new(settings).unwrap().snapshot(ID, &mut silent).unwrap();
    assert_eq!(fs::read(folder.join(WEIGHTS.0)).unwrap(), WEIGHTS.1);
    let at_store = store.seen();
    assert_eq!(at_store.len(), 1);
    assert_eq!(at_store[0].authorization, None);
    assert!(server.seen().iter().all(|seen| seen.authorization.is_some()));
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    server.set(|state| state.cut = Some((5, 2)));
    hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    let seen = server.seen();
    let ranges = seen.iter().filter_map(|seen| seen.range.as_deref()).collect::<Vec<_>>();
    assert_eq!(ranges, ["bytes=5-", "bytes=10-"], "within one call");

    let cache = tempfile::tempdir().unwrap();
    server.set(|state| state.cut = Some((7, 1)));
    let mut hurried = settings(&server, &cache);
    hurried.retries = 0;
    Hub::new(hurried).unwrap().snapshot(ID, &mut silent).unwrap_err();
    let blobs = cache.path().join("models--org--model/blobs");
    let partial = format!("{}.incomplete", sha256(WEIGHTS.1));
    assert!(names(&blobs).contains(&partial));
    assert!(offline(&cache).snapshot(ID, &mut silent).is_err());
    server.seen();
    let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    let seen = server.seen();
    let ranges = seen.iter().filter_map(|seen| seen.range.as_deref()).collect::<Vec<_>>();
    assert_eq!(ranges, ["bytes=7-"], "by the next call");
    assert_eq!(fs::read(folder.join(WEIGHTS.0)).unwrap(), WEIGHTS.1);
    assert!(!names(&blobs).contains(&partial));
}

#[test]
fn a_server_without_lengths_and_ranges_will_do() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    server.set(|state| state.primitive = true);
    let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    assert_eq!(fs::read(folder.join(WEIGHTS.0)).unwrap(), WEIGHTS.1);
}
