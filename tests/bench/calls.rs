//! Show, list, upload and download of both services side by side, on one MariaDB, one Keystone and one kind of store.
//!
//! It judges nothing: a number that may fail a build on a busy machine is no number.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::http::Api;
use glasshouse_tests::images;
use glasshouse_tests::keystone::{Keystone, MEMBER};
use glasshouse_tests::process::cpu_ticks_of_family;
use glasshouse_tests::scratch::Scratch;
use serde_json::json;

/// How often each thing is done; the first argument multiplies it.
const SHOWS: u32 = 300;
const LISTS: u32 = 60;
const TRANSFERS: u32 = 3;
/// Images in the database while shows and lists are measured.
const IMAGES: u32 = 200;

/// The image that is shown.
const SHOWN: &str = "5f0e6c1a-0000-4000-8000-000000000001";

/// One of the two services.
struct Contestant {
    name: &'static str,
    api: Api,
    process: u32,
}

/// What a number of calls cost.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

/// What is measured: a name, what one call is, and the call.
struct Task<'a> {
    name: &'static str,
    unit: &'static str,
    count: u32,
    call: Box<dyn Fn(&Api) + 'a>,
}

/// Measures everything `factor` times as often as usual.
pub fn run(factor: u32) {
    let keystone = Keystone::shared();
    let scratch = Scratch::new("bench");
    let file = scratch.join("upload.raw");
    fs::copy(images::installer_disk(), &file).expect("the image to upload");

    let glance = Glance::start(keystone, &Database::mariadb());
    let ours = Deployment::start(Scratch::new("bench-ours"), Database::mariadb(), keystone);
    let token = keystone.token(MEMBER);
    let contestants = [
        Contestant {
            name: "Glance",
            api: Api::new(&glance.url()).with_token(&token),
            process: glance.process().id(),
        },
        Contestant {
            name: "ours",
            api: ours.service.api().with_token(&token),
            process: ours.service.process.id(),
        },
    ];
    println!(
        "Glance 33.0.0 (uWSGI, 2 processes) and glasshouse-service, release build, on one MariaDB and one Keystone."
    );
    println!("{IMAGES} images in each database; the stores lie on the same disk.");
    for contestant in &contestants {
        fill(&contestant.api);
    }
    println!("{:<10} {:>28} {:>28} {:>16}", "", "Glance: wall / CPU", "ours: wall / CPU", "ratio");
    for task in tasks(&file, factor) {
        let costs = contestants.each_ref().map(|contestant| measure(contestant, &task));
        print_row(&task, costs);
    }
    println!("Memory at its peak: ours {} MiB.", ours.service.process.peak_memory_bytes() >> 20);
}

fn tasks(file: &Path, factor: u32) -> Vec<Task<'_>> {
    let uploaded = |api: &Api| {
        let id =
            api.create_image(&json!({"name": "bench", "disk_format": "raw", "container_format": "bare"}));
        api.upload_file(&id, file).expect(204);
        id
    };
    vec![
        Task {
            name: "show",
            unit: "call",
            count: SHOWS * factor,
            call: Box::new(|api| {
                api.get(&format!("/v2/images/{SHOWN}")).expect(200);
            }),
        },
        Task {
            name: "list",
            unit: "call of 100 images",
            count: LISTS * factor,
            call: Box::new(|api| {
                let list = api.get("/v2/images?limit=100").expect(200).json();
                assert_eq!(list["images"].as_array().map(Vec::len), Some(100));
            }),
        },
        Task {
            name: "upload",
            unit: "96 MiB",
            count: TRANSFERS * factor,
            call: Box::new(move |api| {
                uploaded(api);
            }),
        },
        Task {
            name: "download",
            unit: "96 MiB",
            count: TRANSFERS * factor,
            call: Box::new(move |api| {
                let newest = api.get("/v2/images?limit=1&status=active").expect(200).json();
                let id = newest["images"][0]["id"].as_str().expect("an uploaded image").to_owned();
                let (status, bytes) = api.call("GET", &format!("/v2/images/{id}/file")).send_and_count();
                assert_eq!((status, bytes), (200, 96 << 20));
            }),
        },
    ]
}

fn fill(api: &Api) {
    for number in 0..IMAGES {
        let id = format!("{}{:012x}", SHOWN.get(..24).unwrap_or_default(), number + 1);
        api.create_image(&json!({
            "id": id, "name": format!("image {number}"), "disk_format": "qcow2", "container_format": "bare",
            "os_distro": "debian", "os_version": "12", "architecture": "x86_64", "tags": ["bench"],
        }));
    }
}

/// Once without a watch, so that caches are warm and pools are open; then `count` times.
fn measure(contestant: &Contestant, task: &Task) -> Cost {
    (task.call)(&contestant.api);
    let ticks = cpu_ticks_of_family(contestant.process);
    let start = Instant::now();
    for _ in 0..task.count {
        (task.call)(&contestant.api);
    }
    let wall = start.elapsed();
    let used = cpu_ticks_of_family(contestant.process).saturating_sub(ticks);
    eprintln!("{} of {}: done", task.name, contestant.name);
    Cost { wall: wall / task.count, cpu: Duration::from_millis(used * 10) / task.count }
}

fn print_row(task: &Task, [glance, ours]: [Cost; 2]) {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let pair = |cost: Cost| format!("{:.2} / {:.2} ms", milliseconds(cost.wall), milliseconds(cost.cpu));
    let ratio = |theirs: Duration, mine: Duration| match milliseconds(mine) {
        0.0 => "-".to_owned(),
        mine => format!("{:.1}", milliseconds(theirs) / mine),
    };
    let ratios = format!("{} / {}", ratio(glance.wall, ours.wall), ratio(glance.cpu, ours.cpu));
    println!(
        "{:<10} {:>28} {:>28} {:>16}   for each {}",
        task.name,
        pair(glance),
        pair(ours),
        ratios,
        task.unit
    );
}
