{
  'targets': [{
    'target_name': 'vnet_cni',
    'sources': ["<!@(node -p \"require('./native/sources.json').map(f => 'native/' + f).join(' ')\")"],
    'include_dirs': ["<!@(node -p \"require('node-addon-api').include_dir\")"],
    'defines': ['NAPI_VERSION=9', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wpedantic', '-Wno-unused-parameter', '-Wno-missing-field-initializers', '-O2', '-flto'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
    'ldflags': ['-flto', '-Wl,--gc-sections', '-Wl,-z,relro,-z,now'],
  }],
}
