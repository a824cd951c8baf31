//! An S3 service is found through the environment, which only a process of its own can have.

use std::process::Command;

use super::*;

#[test]
fn an_s3_endpoint_from_the_environment_serves_shards() {
    let server = Server::start(|number, request: &Request| match number {
        0 => Answer { cut: 50_000, ..Answer::with(&shard()) },
        _ if request.path == "/bucket/a/b.tar" => Answer::with(&shard()),
        _ => Answer::status("404 Not Found"),
    });
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored"])
        .arg(concat!(module_path!(), "::reads_with_an_environment").split_once("::").unwrap().1)
        .env("AWS_ENDPOINT", server.url("").trim_end_matches('/'))
        .envs([("AWS_ALLOW_HTTP", "true"), ("AWS_REGION", "here")])
        .envs([("AWS_ACCESS_KEY_ID", "me"), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    let ranges = server.ranges();
    assert_eq!(ranges[..2], [None, Some("bytes=50000-".into())]);
}

#[test]
#[ignore = "needs the environment that the test above gives it"]
fn reads_with_an_environment() {
    assert_whole(&read_with(&opener(LONG, None), "s3://bucket/a/b.tar").unwrap());
    let message = read_with(&opener(LONG, None), "s3://bucket/c.tar").unwrap_err().to_string();
    assert!(message.contains("s3://bucket/c.tar") && message.contains("404"), "{message}");
}
