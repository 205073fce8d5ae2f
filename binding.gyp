{
  'targets': [{
    'target_name': 'vnet_cni',
    'sources': ["<!@(node -p \"require('./native/sources.json').map(f => 'native/' + f).join(' ')\")"],
    'include_dirs': ["<!@(node -p \"require('node-addon-api').include_dir\")"],
    # A worker that is told to end may be inside a call of ours; without the last definition
    # node-addon-api would end the whole process when a value can no longer be made.
    'defines': ['NAPI_VERSION=9', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wpedantic', '-Wno-unused-parameter', '-Wno-missing-field-initializers', '-O2', '-flto'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
    'ldflags': ['-flto', '-Wl,--gc-sections', '-Wl,-z,relro,-z,now'],
  }],
}
