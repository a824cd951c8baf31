use super::*;

fn failure(server: &Server, cache: &TempDir) -> HubError {
    hub(server, cache).snapshot(ID, &mut silent).unwrap_err()
}

fn unreachable_server() -> Server {
    let server = model();
    // Bound, then closed: nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Server { url: format!("http://{port}"), ..server }
}

#[test]
fn offline_uses_the_cache_and_says_what_it_lacks() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    let miss = offline(&cache).snapshot(ID, &mut silent).unwrap_err().to_string();
    for part in [
        "HF_HUB_OFFLINE",
        ID,
        "/org/model/resolve/main/FILE under https://huggingface.co",
        "./model,",
        "model.safetensors",
        &cache.path().display().to_string(),
    ] {
        assert!(miss.contains(part), "{part} in {miss}");
    }
    let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    server.seen();
    let mut settings = settings(&server, &cache);
    settings.offline = true;
    assert_eq!(Hub::new(settings).unwrap().snapshot(ID, &mut silent).unwrap(), folder);
    assert!(server.seen().is_empty());
}

#[test]
fn without_a_server_the_cached_copy_is_used_if_there_is_one() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    let gone = unreachable_server();
    let error = failure(&gone, &cache);
    let HubError::NotCached(details) = &error else { unreachable!("{error}") };
    assert!(matches!(details.cause, Some(HubError::Unreachable { .. })));
    assert!(error.to_string().contains(&gone.url), "{error}");

    let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    assert_eq!(hub(&gone, &cache).snapshot(ID, &mut silent).unwrap(), folder);
    let mut told = false;
    let mut report = |progress: Progress<'_>| told |= matches!(progress, Progress::Cached { .. });
    hub(&gone, &cache).snapshot(ID, &mut report).unwrap();
    assert!(told);
}

#[test]
fn a_broken_server_is_asked_again_a_few_times() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    server.set(|state| state.busy = 3);
    hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    let cache = tempfile::tempdir().unwrap();
    server.set(|state| state.busy = 1000);
    server.seen();
    let error = failure(&server, &cache).to_string();
    assert!(error.contains("status 503"), "{error}");
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cache = tempfile::tempdir().unwrap();
    let mut settings = settings(&Server { url, ..model() }, &cache);
    settings.metadata_timeout = Duration::from_millis(50);
    settings.retries = 1;
    let mut retries = 0;
    let mut report =
        |progress: Progress<'_>| retries += usize::from(matches!(progress, Progress::Retry { .. }));
    let error = Hub::new(settings).unwrap().snapshot(ID, &mut report).unwrap_err().to_string();
    assert!(error.contains("timeout"), "{error}");
    assert_eq!(retries, 1);
}

#[test]
fn refusals_are_told_apart_and_never_hidden_by_the_cache() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    let refused = |status, code| {
        server.set(|state| state.refuse = Some((status, code)));
        failure(&server, &cache)
    };
    let missing = refused(401, "RepoNotFound");
    assert!(matches!(missing, HubError::TokenNeeded { token_sent: false, .. }), "{missing}");
    assert!(missing.to_string().contains("HF_TOKEN"));
    assert!(matches!(refused(403, "GatedRepo"), HubError::Gated { .. }));
    assert!(matches!(refused(401, "GatedRepo"), HubError::Gated { .. }));
    assert!(matches!(refused(403, ""), HubError::Forbidden { .. }));
    let revision = refused(404, "RevisionNotFound");
    assert!(matches!(revision, HubError::NotFound { what: "the revision", .. }), "{revision}");
    assert!(matches!(refused(404, ""), HubError::NotFound { .. }));
}

#[test]
fn a_wrong_token_is_told_from_none() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    server.set(|state| state.token = Some("right".to_owned()));
    let mut settings = settings(&server, &cache);
    settings.token = Some("wrong".to_owned());
    let error = Hub::new(settings.clone()).unwrap().snapshot(ID, &mut silent).unwrap_err();
    assert!(matches!(error, HubError::TokenNeeded { token_sent: true, .. }), "{error}");
    assert!(!error.to_string().contains("wrong"));
    settings.token = Some("not\na token".to_owned());
    assert!(matches!(Hub::new(settings), Err(HubError::Setting { name: "HF_TOKEN", .. })));
}

#[test]
fn damaged_contents_are_refused_and_removed() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    server.set(|state| state.corrupt = true);
    let error = failure(&server, &cache);
    assert!(matches!(&error, HubError::Damaged { file, .. } if file == WEIGHTS.0), "{error}");
    let blobs = names(&cache.path().join("models--org--model/blobs"));
    assert_eq!(blobs.len(), 1, "only the configuration, whose tag is no hash: {blobs:?}");
    server.set(|state| state.corrupt = false);
    hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
}

#[test]
fn a_damaged_or_overlong_beginning_is_fetched_anew() {
    for start in [&b"wrong start"[..], &[0; 1000], WEIGHTS.1] {
        let (server, cache) = (model(), tempfile::tempdir().unwrap());
        let blobs = cache.path().join("models--org--model/blobs");
        fs::create_dir_all(&blobs).unwrap();
        fs::write(blobs.join(format!("{}.incomplete", sha256(WEIGHTS.1))), start).unwrap();
        let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
        assert_eq!(fs::read(folder.join(WEIGHTS.0)).unwrap(), WEIGHTS.1);
    }
}

#[test]
fn a_blob_of_the_wrong_size_is_replaced() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    let blobs = cache.path().join("models--org--model/blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(sha256(WEIGHTS.1)), "short").unwrap();
    let folder = hub(&server, &cache).snapshot(ID, &mut silent).unwrap();
    assert_eq!(fs::read(folder.join(WEIGHTS.0)).unwrap(), WEIGHTS.1);
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for shard in ["../../../escaped", "/escaped", "a/../../escaped", "..\\escaped"] {
        let index = serde_json::json!({ "weight_map": { "a": shard } }).to_string();
        let server =
            Server::start(&[("model.safetensors.index.json", index.as_bytes()), (shard, b"evil")]);
        let cache = tempfile::tempdir().unwrap();
        let error = failure(&server, &cache);
        assert!(matches!(&error, HubError::UnsafeName { file, .. } if file == shard), "{error}");
    }
    let server = Server::start(&[("..\\evil.pt", b"evil")]);
    let cache = tempfile::tempdir().unwrap();
    assert!(matches!(failure(&server, &cache), HubError::UnsafeName { .. }));
}

#[test]
fn a_commit_that_is_none_is_refused() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    server.set(|state| state.commit = "../../escaped".to_owned());
    let error = failure(&server, &cache).to_string();
    assert!(error.contains("is no commit"), "{error}");
}

#[test]
fn a_model_without_weights_is_an_error_that_lists_its_files() {
    let server = Server::start(&[CONFIG, ("weights.onnx", b"")]);
    let cache = tempfile::tempdir().unwrap();
    let error = failure(&server, &cache);
    assert!(matches!(error, HubError::NoWeights { .. }));
    assert!(error.to_string().contains("weights.onnx"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let (server, cache) = (model(), tempfile::tempdir().unwrap());
    fs::write(cache.path().join("models--org--model"), "a file in the way").unwrap();
    let error = failure(&server, &cache);
    assert!(matches!(error, HubError::Io { .. }), "{error}");
    assert!(error.to_string().contains("models--org--model"), "{error}");
}

#[test]
fn an_endpoint_that_is_no_address_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let mut settings = HubSettings::new(cache.path());
    settings.endpoint = "ftp://x".to_owned();
    assert!(matches!(Hub::new(settings), Err(HubError::Setting { name: "HF_ENDPOINT", .. })));
}
