//! `stoa sim` as people call it: what it prints, how it ends, and that it says the same twice.

use stoa_harness::Place;

#[test]
fn simulated_clusters_are_counted_and_the_same_twice() {
    let place = Place::new();
    let sim = ["sim", "--seeds", "20", "--faults", "10", "--first-seed", "7", "-o", "json"];
    let [first, second] = [(); 2].map(|()| {
        let finished = place.stoa(&sim).finish().succeeded();
        serde_json::from_str::<serde_json::Value>(finished.text()).unwrap()
    });
    assert_eq!(first["seeds"], 20);
    assert_eq!(first["violations"], 0);
    assert!(first["seeds_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(first["failures"].as_array().unwrap().len(), 0);
    assert_eq!(first["mark"], second["mark"]);
}
