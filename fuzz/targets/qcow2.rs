#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| glasshouse_fuzz::examine("qcow2", input));
