//! The service on processors that this machine has not: with an older vector unit, and with none that it knows.

use glasshouse_tests::clients::{md5_of, sha512_of};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service::Lab;
use serde_json::json;

/// More transfers than threads, so that they share lanes; of lengths that end within blocks.
const TRANSFERS: usize = 6;
const BYTES: usize = 3 * 1024 * 1024;

#[test]
fn with_avx2_digests_are_right() {
    digests_are_right_on("Haswell");
}

#[test]
fn without_a_vector_unit_digests_are_right() {
    digests_are_right_on("Nehalem");
}

fn digests_are_right_on(model: &str) {
    let lab = Lab::start_on(model);
    let api = lab.api();
    let scratch = Scratch::new("processors");
    std::thread::scope(|scope| {
        for number in 0..TRANSFERS {
            let (api, file) = (api.clone(), scratch.join(format!("{number}")));
            scope.spawn(move || {
                let byte = |at: usize| (at * (number + 3)).to_le_bytes()[1];
                let data: Vec<u8> = (0..BYTES + 77 * number).map(byte).collect();
                std::fs::write(&file, &data).expect("a file");
                let image = json!({"name": model, "disk_format": "raw", "container_format": "bare"});
                let id = api.create_image(&image);
                api.upload(&id, data.clone()).expect(204);
                let record = api.get(&format!("/v2/images/{id}")).expect(200).json();
                assert_eq!(record["checksum"], json!(md5_of(&file)), "image {number}");
                assert_eq!(record["os_hash_value"], json!(sha512_of(&file)), "image {number}");
                assert!(api.get(&format!("/v2/images/{id}/file")).expect(200).body == data, "image {number}");
            });
        }
    });
}
