//! What ours answers about image data beyond Glance: entity tags, conditions, HEAD.

use glasshouse_tests::deployment::Deployment;
use glasshouse_tests::http::Answer;
use glasshouse_tests::keystone::{MEMBER, STRANGER};

use super::{active, queued, record};

on_both_databases!(
    data_has_its_digest_for_an_entity_tag,
    data_that_the_client_has_is_not_sent_again,
    a_range_of_other_data_is_the_whole_image,
    head_tells_of_the_data_and_sends_none,
    head_follows_the_rules_of_the_download,
);

fn file(id: &str) -> String {
    format!("/v2/images/{id}/file")
}

/// What every answer with data is headed with, beside its length.
fn assert_described(answer: &Answer, tag: &str) {
    assert_eq!(answer.header("etag"), Some(tag));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-md5"), Some("781e5e245d69b566979b86e28d23f2c7"));
}

/// An image of ten digits, and the entity tag that it must have.
fn digits(site: &Deployment) -> (String, String) {
    let api = site.api(MEMBER);
    let id = active(&api, b"0123456789");
    let digest = record(&api, &id)["os_hash_value"].as_str().expect("a digest").to_owned();
    (id, format!("\"{digest}\""))
}

fn data_has_its_digest_for_an_entity_tag(site: &Deployment) {
    let (id, tag) = digits(site);
    let api = site.api(MEMBER);
    assert_described(&api.get(&file(&id)).expect(200), &tag);
    let part = api.call("GET", &file(&id)).header("range", "bytes=2-3").send().expect(206);
    assert_eq!(part.text(), "23");
    assert_described(&part, &tag);
}

fn data_that_the_client_has_is_not_sent_again(site: &Deployment) {
    let (id, tag) = digits(site);
    let api = site.api(MEMBER);
    for method in ["GET", "HEAD"] {
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let answer = api.call(method, &file(&id)).header("if-none-match", &known).send().expect(304);
            assert!(answer.body.is_empty(), "{method} {known}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
        }
    }
    let answer = api.call("GET", &file(&id)).header("if-none-match", "\"other\"").send().expect(200);
    assert_eq!(answer.text(), "0123456789");
}

fn a_range_of_other_data_is_the_whole_image(site: &Deployment) {
    let (id, tag) = digits(site);
    let api = site.api(MEMBER);
    let part = |condition: &str| {
        api.call("GET", &file(&id)).header("range", "bytes=5-").header("if-range", condition).send()
    };
    assert_eq!(part(&tag).expect(206).text(), "56789");
    for condition in ["\"other\"", &format!("W/{tag}"), "Sun, 06 Nov 1994 08:49:37 GMT"] {
        assert_eq!(part(condition).expect(200).text(), "0123456789", "{condition}");
    }
}

fn head_tells_of_the_data_and_sends_none(site: &Deployment) {
    let (id, tag) = digits(site);
    for range in ["bytes=2-3", "bytes=99-"] {
        let answer = site.api(MEMBER).call("HEAD", &file(&id)).header("range", range).send().expect(200);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("content-length"), Some("10"));
        assert_eq!(answer.header("content-range"), None);
        assert_described(&answer, &tag);
    }
}

fn head_follows_the_rules_of_the_download(site: &Deployment) {
    let (id, _) = digits(site);
    let member = site.api(MEMBER);
    member.call("HEAD", &file(&queued(&member))).send().expect(204);
    site.api(STRANGER).call("HEAD", &file(&id)).send().expect(404);
    member.without_token().call("HEAD", &file(&id)).send().expect(401);
}
