/// Lets all other threads of the process go first from now on: for a thread that no vote waits for.
///
/// Everything else is as before if the system does not allow it. On Linux the calling thread alone becomes
/// nicer. [`nice(2)`]
pub fn give_way() {
    let _ = rustix::process::nice(5);
}
