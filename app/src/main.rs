//! The program: flags, the lab's process, the window.
fn main() {}
