{
  # For tools that know only node-gyp (prebuildify): one action that runs the real build.
  "targets": [{
    "target_name": "sluice",
    "type": "none",
    "actions": [{
      "action_name": "build_native",
      "message": "Building with CMake",
      "inputs": [],
      "outputs": ["<(PRODUCT_DIR)/.never-there"],
      "action": [
        "node", "<(module_root_dir)/scripts/build-native.mjs",
        "--arch=<(target_arch)", "--config=<(CONFIGURATION_NAME)"
      ]
    }]
  }]
}
